//! Tokens in the keyring of the operating system: Keychain on macOS, the Credential Manager on Windows, and on
//! other systems whatever answers to the Secret Service of freedesktop.org (GNOME Keyring, `KWallet`, `KeePassXC`).
//!
//! A token belongs to a node, so it is kept under the node's address: profiles can be renamed, and a node
//! that is named without a profile finds its token as well.

use keyring_core::{Entry, Error};
use secrecy::{ExposeSecret, SecretString};

use super::Node;

/// What the entries of this program are called.
const SERVICE: &str = "headcount";

/// An entry of the keyring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The node's address.
    address: String,
}

/// Why the keyring is of no use.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There is none.
    #[error(
        "there is no keyring on this machine, or none is running ({0}). Without one, put the token into a file that \
         only you can read and name it with token_file in the profile or --token-file, or set HEADCOUNT_TOKEN"
    )]
    NotThere(String),
    /// It may not be used.
    #[error(
        "the keyring is locked and was not opened ({0}). Unlock it, or take the token from a file (--token-file) or \
         from HEADCOUNT_TOKEN"
    )]
    Locked(String),
    /// It holds several tokens for the node.
    #[error(
        "the keyring holds several tokens for {0}; remove all but one with the keyring's own program"
    )]
    Several(String),
    /// Anything else.
    #[error("the keyring does not do what it is asked to: {0}")]
    Failed(String),
}

impl Account {
    /// The entry for a node.
    #[must_use]
    pub fn of(node: &Node) -> Self {
        Account {
            address: node.base().to_string(),
        }
    }

    /// What it is called in the keyring.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{SERVICE}, {}", self.address)
    }

    /// Whether there is a keyring to ask.
    ///
    /// # Errors
    /// [`KeyringError::NotThere`].
    pub fn reach(&self) -> Result<(), KeyringError> {
        self.entry().map(|_| ())
    }

    /// The token, if the keyring has it. May wait for somebody to unlock the keyring.
    ///
    /// # Errors
    /// [`KeyringError`], which never shows what was read.
    pub fn read(&self) -> Result<Option<SecretString>, KeyringError> {
        self.read_from(&self.entry()?)
    }

    /// Keeps the token, instead of one that is there.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn store(&self, token: &SecretString) -> Result<(), KeyringError> {
        self.store_in(&self.entry()?, token)
    }

    /// Removes the token, and says whether there was one.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn forget(&self) -> Result<bool, KeyringError> {
        self.forget_in(&self.entry()?)
    }

    /// The entry in the keyring of this machine.
    fn entry(&self) -> Result<Entry, KeyringError> {
        if let Err(error) = keyring::Entry::store_status() {
            return Err(KeyringError::NotThere(why(error)));
        }
        let entry = keyring::Entry::new(SERVICE, &self.address);
        entry
            .map(|entry| entry.inner)
            .map_err(|error| self.failed(&error))
    }

    fn read_from(&self, entry: &Entry) -> Result<Option<SecretString>, KeyringError> {
        match entry.get_password() {
            Ok(token) => Ok(Some(SecretString::from(token))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn store_in(&self, entry: &Entry, token: &SecretString) -> Result<(), KeyringError> {
        let stored = entry.set_password(token.expose_secret());
        stored.map_err(|error| self.failed(&error))
    }

    fn forget_in(&self, entry: &Entry) -> Result<bool, KeyringError> {
        match entry.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn failed(&self, error: &Error) -> KeyringError {
        match error {
            Error::NoDefaultStore => KeyringError::NotThere(why(error)),
            Error::NoStorageAccess(source) => KeyringError::Locked(source.to_string()),
            Error::Ambiguous(_) => KeyringError::Several(self.address.clone()),
            error => KeyringError::Failed(why(error)),
        }
    }
}

/// The platform's own words, where it has any. The debug form of some errors would hold what was read.
fn why(error: &Error) -> String {
    match error {
        Error::PlatformFailure(source) | Error::NoStorageAccess(source) => source.to_string(),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "what it holds is not text".to_owned(),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use keyring_core::api::CredentialStoreApi;
    use keyring_core::mock;

    use super::*;

    fn account() -> (Account, Entry) {
        let account = Account::of(&Node::at("https://x.example/v2/1").unwrap());
        let store = mock::Store::new().unwrap();
        let entry = store.build(SERVICE, &account.address, None).unwrap();
        (account, entry)
    }

    fn fails_with(entry: &Entry, error: Error) {
        let mock: &mock::Cred = entry.as_any().downcast_ref().unwrap();
        mock.set_error(error);
    }

    #[test]
    fn a_token_is_kept_replaced_and_forgotten() {
        let (account, entry) = account();
        assert!(account.read_from(&entry).unwrap().is_none());
        assert!(!account.forget_in(&entry).unwrap());
        for token in ["first", "second"] {
            account
                .store_in(&entry, &SecretString::from(token))
                .unwrap();
            let read = account.read_from(&entry).unwrap().unwrap();
            assert_eq!(read.expose_secret(), token);
        }
        assert!(account.forget_in(&entry).unwrap());
        assert!(account.read_from(&entry).unwrap().is_none());
    }

    #[test]
    fn what_goes_wrong_is_said_without_what_was_read() {
        let (account, entry) = account();
        for (error, words) in [
            (
                Error::NoStorageAccess("dismissed".into()),
                "locked and was not opened (dismissed)",
            ),
            (
                Error::NoDefaultStore,
                "--token-file, or set HEADCOUNT_TOKEN",
            ),
            (Error::PlatformFailure("bus gone".into()), "bus gone"),
            (Error::BadEncoding(b"secret".to_vec()), "not text"),
        ] {
            fails_with(&entry, error);
            let error = account.read_from(&entry).unwrap_err();
            let (said, shown) = (error.to_string(), format!("{error:?}"));
            assert!(said.contains(words), "{said}");
            assert!(
                !shown.contains("secret") && !shown.contains("115, 101"),
                "{shown}"
            );
        }
    }
}
