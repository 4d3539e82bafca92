//! Asking the provider's SDK for a record. It is given the configuration in memory, so it writes no file.

use std::sync::Arc;

use keeper_secrets_manager_core::config_keys::ConfigKeys;
use keeper_secrets_manager_core::core::{ClientOptions, SecretsManager};
use keeper_secrets_manager_core::custom_error::KSMRError;
use keeper_secrets_manager_core::dto::{self, EncryptedPayload, KsmHttpResponse, TransmissionKey};
use keeper_secrets_manager_core::enums::KvStoreType;
use keeper_secrets_manager_core::storage::{InMemoryKeyValueStorage, KeyValueStorage};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Login, SecretsManagerError};

/// What an application needs before it may ask.
const NEEDED: [ConfigKeys; 3] = [
    ConfigKeys::KeyClientId,
    ConfigKeys::KeyPrivateKey,
    ConfigKeys::KeyAppKey,
];

/// What the SDK takes in the place of the network.
type Post = dyn Fn(String, TransmissionKey, EncryptedPayload) -> Result<KsmHttpResponse, KSMRError>
    + Send
    + Sync;

/// How the SDK's calls go.
pub(super) enum Way {
    /// Over the network, as the SDK sends them.
    Network,
    /// Through a function, for tests.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "only tests do without the network")
    )]
    Through(Arc<Post>),
}

/// Asks for a record with the configuration that stands in `from`. Blocks, and not on a thread of a runtime.
pub(super) fn ask(
    uid: &str,
    from: &str,
    config: &SecretString,
    way: Way,
) -> Result<Login, SecretsManagerError> {
    let bad = || SecretsManagerError::BadConfig(from.to_owned());
    let storage = InMemoryKeyValueStorage::new(Some(config.expose_secret().to_owned()));
    let storage = storage.map_err(|_| bad())?;
    let has =
        |key: &ConfigKeys| matches!(storage.get(key.clone()), Ok(Some(value)) if !value.is_empty());
    if !NEEDED.iter().all(has) {
        return Err(bad());
    }
    let refused = |error: KSMRError| SecretsManagerError::Refused {
        uid: uid.to_owned(),
        why: why(&error),
    };
    let mut options = ClientOptions::new_client_options(KvStoreType::InMemory(storage));
    if let Way::Through(post) = way {
        options.set_custom_post_function(move |url, key, payload| post(url, key, payload));
    }
    let mut manager = SecretsManager::new(options).map_err(refused)?;
    let records = manager.get_secrets(vec![uid.to_owned()]).map_err(refused)?;
    let record = records.into_iter().find(|record| record.uid == uid);
    read(record.ok_or_else(|| SecretsManagerError::NoRecord(uid.to_owned()))?)
}

/// What counts of a record: the first of its own fields of each type, as for `scim push`.
fn read(record: dto::Record) -> Result<Login, SecretsManagerError> {
    let fields = record.record_dict.get("fields").and_then(Value::as_array);
    let of_type = |wanted: &str| {
        let mut fields = fields.into_iter().flatten();
        let field = fields.find(|field| field["type"] == wanted)?;
        let value = field["value"][0].as_str()?.trim();
        (!value.is_empty()).then_some(value)
    };
    let url = of_type("url").map(str::to_owned);
    match of_type("password") {
        Some(token) => Ok(Login {
            url,
            token: SecretString::from(token),
        }),
        None => Err(SecretsManagerError::Incomplete {
            uid: record.uid,
            what: "token: its field of the type password is empty or not there",
        }),
    }
}

/// What may be said of an error. The words of others could hold a part of what was read.
fn why(error: &KSMRError) -> String {
    match error {
        KSMRError::HTTPError(_)
        | KSMRError::SecretManagerCreationError(_)
        | KSMRError::AuthenticationError(_)
        | KSMRError::InvalidTokenError(_)
        | KSMRError::RecordNotFoundError(_)
        | KSMRError::Throttled(_) => error.to_string(),
        _ => "its answer, or the configuration of the application, cannot be understood".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use keeper_secrets_manager_core::crypto::CryptoUtils;
    use serde_json::json;

    use super::*;

    const APP_KEY: [u8; 32] = [7; 32];
    const RECORD_KEY: [u8; 32] = [9; 32];

    fn base64(bytes: &[u8]) -> String {
        let text = CryptoUtils::bytes_to_url_safe_str(bytes);
        let padding = "=".repeat(text.len().next_multiple_of(4) - text.len());
        text.replace('-', "+").replace('_', "/") + &padding
    }

    fn config() -> SecretString {
        let private = CryptoUtils::generate_private_key_der().unwrap();
        let config = json!({
            "hostname": "vault.example",
            "clientId": base64(b"client"),
            "privateKey": base64(&private),
            "appKey": base64(&APP_KEY),
        });
        SecretString::from(config.to_string())
    }

    /// A vault with one record in it.
    fn vault(uid: &str, record: &Value) -> Way {
        let key = CryptoUtils::encrypt_aes_gcm(&RECORD_KEY, &APP_KEY, None).unwrap();
        let data = record.to_string();
        let data = CryptoUtils::encrypt_aes_gcm(data.as_bytes(), &RECORD_KEY, None).unwrap();
        let answer = json!({
            "records": [{
                "recordUid": uid,
                "recordKey": base64(&key),
                "data": base64(&data),
                "isEditable": false,
            }],
            "folders": [],
        });
        Way::Through(Arc::new(
            move |url: String, key: TransmissionKey, _: EncryptedPayload| {
                assert!(url.starts_with("https://vault.example/"), "{url}");
                let body = answer.to_string();
                let body = CryptoUtils::encrypt_aes_gcm(body.as_bytes(), &key.key, None)?;
                Ok(KsmHttpResponse::new(200, body, String::new()))
            },
        ))
    }

    fn record(fields: &Value) -> Value {
        json!({"title": "SCIM", "type": "login", "fields": fields, "custom": []})
    }

    #[test]
    fn the_record_of_scim_push_gives_address_and_token() {
        let record = record(&json!([
            {"type": "login", "value": ["admin@example.com"]},
            {"type": "password", "value": ["the-token"]},
            {"type": "url", "value": ["https://keepersecurity.eu/api/rest/scim/v2/12"]},
        ]));
        let login = ask("UID", "here", &config(), vault("UID", &record)).unwrap();
        assert_eq!(login.token.expose_secret(), "the-token");
        assert_eq!(
            login.url.unwrap(),
            "https://keepersecurity.eu/api/rest/scim/v2/12"
        );
    }

    #[test]
    fn a_record_without_a_token_or_that_is_not_there_is_said() {
        let no_password = record(&json!([{"type": "url", "value": ["https://x/y"]}]));
        let empty = record(&json!([{"type": "password", "value": []}]));
        for record in [no_password, empty] {
            let error = ask("UID", "here", &config(), vault("UID", &record))
                .map(|_| ())
                .unwrap_err();
            assert!(
                error.to_string().starts_with("the record UID has no token"),
                "{error}"
            );
        }
        let other = vault("OTHER", &record(&json!([])));
        let error = ask("UID", "here", &config(), other)
            .map(|_| ())
            .unwrap_err();
        assert_eq!(error, SecretsManagerError::NoRecord("UID".to_owned()));
    }

    #[test]
    fn what_the_service_refuses_is_said_in_its_words() {
        let refuses = Way::Through(Arc::new(|_, _, _| {
            let body = json!({"result_code": "access_denied", "message": "Unable to validate Keeper application access"});
            Ok(KsmHttpResponse::new(
                403,
                body.to_string().into_bytes(),
                body.to_string(),
            ))
        }));
        let error = ask("UID", "here", &config(), refuses)
            .map(|_| ())
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("Unable to validate Keeper application access"),
            "{error}"
        );
    }

    #[test]
    fn a_configuration_that_lets_nobody_ask_is_not_shown() {
        for text in [
            "not json: secret",
            "{\"clientId\": \"secret\"}",
            "{\"secret\": 1}",
            "US:secret",
        ] {
            let config = SecretString::from(text);
            let error = ask("UID", "KSM_CONFIG", &config, Way::Network)
                .map(|_| ())
                .unwrap_err();
            assert_eq!(
                error,
                SecretsManagerError::BadConfig("KSM_CONFIG".to_owned())
            );
        }
    }
}
