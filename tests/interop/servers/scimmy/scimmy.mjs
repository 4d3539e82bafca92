// A SCIM server made of SCIMMY and express, with users and groups in memory.
//
//   node scimmy.mjs PORT TOKEN [no-bulk]
//
// With bulk it shows users their groups; without, it does not: both are met outside.

import {randomUUID} from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const [port, token, ...words] = process.argv.slice(2);
const bulk = !words.includes("no-bulk");
const users = new Map();
const groups = new Map();

const fold = (text) => String(text ?? "").toLowerCase();
const notFound = (id) => new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
const plain = (resource) => JSON.parse(JSON.stringify(resource));

function stamped(resource, id, former) {
    const now = new Date();
    return {...resource, id, meta: {created: former?.meta.created ?? now, lastModified: now}};
}

function shown(user) {
    if (!bulk) return user;
    const within = [...groups.values()].filter((group) => group.members?.some((member) => member.value === user.id));
    return {...user, groups: within.map((group) => ({value: group.id, display: group.displayName, type: "direct"}))};
}

function found(all, resource, show) {
    if (resource.id) {
        if (!all.has(resource.id)) throw notFound(resource.id);
        return show(all.get(resource.id));
    }
    const each = [...all.values()].map(show);
    return each.filter((one) => !resource.filter || resource.filter.match([one]).length);
}

function former(all, id) {
    if (id && !all.has(id)) throw notFound(id);
    return all.get(id);
}

SCIMMY.Resources.declare(SCIMMY.Resources.User, {
    egress: (resource) => found(users, resource, shown),
    ingress: (resource, data) => {
        const before = former(users, resource.id);
        const isTaken = (other) => other.id !== resource.id && fold(other.userName) === fold(data.userName);
        if ([...users.values()].some(isTaken)) {
            throw new SCIMMY.Types.Error(409, "uniqueness", `userName ${data.userName} is taken`);
        }
        const {groups: _, ...rest} = plain(data);
        const user = stamped({active: true, ...rest}, resource.id ?? randomUUID(), before);
        users.set(user.id, user);
        return shown(user);
    },
    degress: (resource) => {
        if (!users.delete(resource.id)) throw notFound(resource.id);
        for (const group of groups.values()) {
            group.members = group.members?.filter((member) => member.value !== resource.id);
        }
    },
});

SCIMMY.Resources.declare(SCIMMY.Resources.Group, {
    egress: (resource) => found(groups, resource, (group) => group),
    ingress: (resource, data) => {
        const before = former(groups, resource.id);
        const group = stamped(plain(data), resource.id ?? randomUUID(), before);
        groups.set(group.id, group);
        return group;
    },
    degress: (resource) => {
        if (!groups.delete(resource.id)) throw notFound(resource.id);
    },
});

const router = new SCIMMYRouters({
    type: "bearer",
    docUri: "https://example.com",
    handler: (request) => {
        if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("a wrong token");
    },
});
// The router announces bulk whatever was set before it.
SCIMMY.Config.set({bulk});

const app = express();
app.use("/scim/v2", router);
app.listen(Number(port), "127.0.0.1", () => console.log("ready"));
