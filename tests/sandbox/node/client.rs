//! A small client that says what it got, so that a test is: this node, this call, this answer.

use headcount::sandbox::{Options, Sandbox};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

pub const SCIM: &str = "application/scim+json";

/// A sandbox and a client for it.
pub struct Node {
    pub sandbox: Sandbox,
    pub client: Client,
}

/// An answer: status, body as JSON (null if there is none), headers.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub headers: reqwest::header::HeaderMap,
}

/// A node without people, unless `change` says otherwise.
pub async fn node(change: impl FnOnce(&mut Options)) -> Node {
    let mut options = Options {
        users: 0,
        teams: 0,
        ..Options::default()
    };
    change(&mut options);
    let sandbox = Sandbox::start(options).await.expect("a sandbox starts");
    // The client wants a TLS provider even where no call uses TLS; a second test finds it installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .no_proxy()
        .build()
        .expect("a client is built");
    Node { sandbox, client }
}

pub async fn empty_node() -> Node {
    node(|_| {}).await
}

impl Node {
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.client
            .request(method, format!("{}{path}", self.sandbox.base_url()))
            .bearer_auth(self.sandbox.token())
    }

    pub async fn try_send(
        &self,
        method: &str,
        path: &str,
        body: Option<&str>,
    ) -> reqwest::Result<Answer> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.header("Content-Type", SCIM).body(body.to_owned());
        }
        answer(request).await
    }

    pub async fn send(&self, method: &str, path: &str, body: impl ToString) -> Answer {
        let body = body.to_string();
        let sent = self.try_send(method, path, Some(&body)).await;
        sent.expect("the call is answered")
    }

    pub async fn get(&self, path: &str) -> Answer {
        let sent = self.try_send("GET", path, None).await;
        sent.expect("the call is answered")
    }

    pub async fn delete(&self, path: &str) -> Answer {
        let sent = self.try_send("DELETE", path, None).await;
        sent.expect("the call is answered")
    }

    /// Creates a user and gives its id.
    pub async fn user(&self, user_name: &str) -> String {
        let body = serde_json::json!({ "userName": user_name });
        self.send("POST", "/Users", body).await.created()
    }

    /// Creates a group and gives its id.
    pub async fn group(&self, display_name: &str) -> String {
        let body = serde_json::json!({ "displayName": display_name });
        self.send("POST", "/Groups", body).await.created()
    }
}

pub async fn answer(request: RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await?;
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Ok(Answer {
        status,
        body,
        headers,
    })
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str());
        value.and_then(Result::ok).unwrap_or_default()
    }

    #[track_caller]
    pub fn created(&self) -> String {
        assert_eq!(self.status, 201, "{}", self.body);
        self.body["id"].as_str().expect("an id").to_owned()
    }

    /// Checks that this is an error message of RFC 7644, section 3.12, and gives its detail.
    #[track_caller]
    pub fn refused(&self, status: u16, scim_type: &str) -> &str {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), SCIM);
        assert_eq!(
            self.body["schemas"][0],
            "urn:ietf:params:scim:api:messages:2.0:Error"
        );
        assert_eq!(self.body["status"], status.to_string());
        let found = self.body["scimType"].as_str().unwrap_or_default();
        assert_eq!(found, scim_type, "{}", self.body);
        self.body["detail"].as_str().expect("a detail")
    }

    /// The values of one attribute in a listing.
    #[track_caller]
    pub fn column(&self, attribute: &str) -> Vec<&str> {
        assert_eq!(self.status, 200, "{}", self.body);
        let resources = self.body["Resources"].as_array().expect("a listing");
        resources
            .iter()
            .map(|resource| resource[attribute].as_str().unwrap_or_default())
            .collect()
    }
}
