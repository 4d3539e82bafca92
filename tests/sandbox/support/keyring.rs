//! A keyring that answers to the Secret Service of freedesktop.org, for programs that are told its address. It is a bus
//! and the service in one, as far as keyrings are asked for passwords.
//!
//! Secrets come and go encrypted. The public key of the service is 1, so every session has the same key, and what one
//! program has put in can be handed out to the next one without ever being decrypted here.

#![allow(
    clippy::unused_self,
    clippy::used_underscore_binding,
    clippy::unnecessary_wraps,
    clippy::needless_pass_by_value,
    reason = "what the methods take and give is said by the interfaces that they implement"
)]

use std::collections::HashMap;
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex, MutexGuard};

use tempfile::TempDir;
use zbus::blocking::connection::Builder;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{fdo, interface};

/// Session, parameters, value, content type.
type Secret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

type Attributes = HashMap<String, String>;

/// As many passwords as there is room for.
const ROOM: usize = 4;

/// A password and what it is found by; nothing where one was deleted.
type Slot = Option<(Attributes, Secret)>;

#[derive(Clone, Default)]
struct Items(Arc<Mutex<Vec<Slot>>>);

impl Items {
    fn all(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.0.lock().unwrap()
    }
}

/// A keyring that lasts as long as the test.
pub struct Keyring {
    items: Items,
    folder: TempDir,
}

impl Keyring {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("bus")).unwrap();
        let items = Items::default();
        let shared = items.clone();
        std::thread::spawn(move || {
            let mut connections = Vec::new();
            for stream in listener.incoming() {
                let guid = zbus::Guid::generate();
                let mut builder = Builder::async_io_unix_stream(stream.unwrap())
                    .server(guid)
                    .unwrap()
                    .p2p()
                    .serve_at("/org/freedesktop/DBus", Bus)
                    .unwrap()
                    .serve_at("/org/freedesktop/secrets", Service(shared.clone()))
                    .unwrap()
                    .serve_at("/collection", Collection(shared.clone()))
                    .unwrap();
                for at in 0..ROOM {
                    let item = Item(shared.clone(), at);
                    builder = builder.serve_at(format!("/item/{at}"), item).unwrap();
                }
                connections.push(builder.build().unwrap());
            }
        });
        Keyring { items, folder }
    }

    /// What a program has to be told in `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> String {
        format!("unix:path={}", self.folder.path().join("bus").display())
    }

    /// Under which names it holds passwords.
    pub fn users(&self) -> Vec<String> {
        let items = self.items.all();
        let items = items.iter().flatten();
        items
            .map(|(attributes, _)| attributes["username"].clone())
            .collect()
    }
}

fn path(path: &str) -> OwnedObjectPath {
    OwnedObjectPath::try_from(path.to_owned()).unwrap()
}

struct Bus;

#[interface(name = "org.freedesktop.DBus")]
impl Bus {
    fn hello(&self) -> String {
        ":1.1".to_owned()
    }

    fn add_match(&self, _rule: &str) {}

    fn remove_match(&self, _rule: &str) {}

    fn get_name_owner(&self, _name: &str) -> String {
        ":1.0".to_owned()
    }
}

struct Service(Items);

#[interface(name = "org.freedesktop.Secret.Service")]
impl Service {
    fn open_session(
        &self,
        algorithm: &str,
        _input: Value<'_>,
    ) -> fdo::Result<(OwnedValue, OwnedObjectPath)> {
        assert_eq!(algorithm, "dh-ietf1024-sha256-aes128-cbc-pkcs7");
        let one = OwnedValue::try_from(Value::from(vec![1u8]));
        Ok((one.unwrap(), path("/session")))
    }

    fn search_items(&self, wanted: Attributes) -> (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) {
        let items = self.0.all();
        let found = items.iter().enumerate().filter(|(_, item)| {
            item.as_ref().is_some_and(|(attributes, _)| {
                wanted
                    .iter()
                    .all(|(name, value)| attributes.get(name) == Some(value))
            })
        });
        let paths = found.map(|(at, _)| path(&format!("/item/{at}"))).collect();
        (paths, Vec::new())
    }

    fn read_alias(&self, _name: &str) -> OwnedObjectPath {
        path("/collection")
    }

    #[zbus(property)]
    fn collections(&self) -> Vec<OwnedObjectPath> {
        vec![path("/collection")]
    }
}

struct Collection(Items);

#[interface(name = "org.freedesktop.Secret.Collection")]
impl Collection {
    fn create_item(
        &self,
        mut properties: HashMap<String, OwnedValue>,
        secret: Secret,
        _replace: bool,
    ) -> (OwnedObjectPath, OwnedObjectPath) {
        let attributes = properties.remove("org.freedesktop.Secret.Item.Attributes");
        let attributes = Attributes::try_from(attributes.unwrap()).unwrap();
        let mut items = self.0.all();
        assert!(items.len() < ROOM);
        items.push(Some((attributes, secret)));
        (path(&format!("/item/{}", items.len() - 1)), path("/"))
    }

    #[zbus(property)]
    fn locked(&self) -> bool {
        false
    }

    #[zbus(property)]
    fn label(&self) -> String {
        "Login".to_owned()
    }
}

struct Item(Items, usize);

#[interface(name = "org.freedesktop.Secret.Item")]
impl Item {
    fn delete(&self) -> OwnedObjectPath {
        self.0.all()[self.1] = None;
        path("/")
    }

    fn get_secret(&self, _session: OwnedObjectPath) -> fdo::Result<(Secret,)> {
        match &self.0.all()[self.1] {
            Some((_, secret)) => Ok((secret.clone(),)),
            None => Err(fdo::Error::UnknownObject("no such item".to_owned())),
        }
    }

    fn set_secret(&self, secret: Secret) {
        if let Some(item) = &mut self.0.all()[self.1] {
            item.1 = secret;
        }
    }

    #[zbus(property)]
    fn locked(&self) -> bool {
        false
    }

    #[zbus(property)]
    fn attributes(&self) -> Attributes {
        let items = self.0.all();
        let item = items.get(self.1).and_then(Option::as_ref);
        item.map(|(attributes, _)| attributes.clone())
            .unwrap_or_default()
    }
}
