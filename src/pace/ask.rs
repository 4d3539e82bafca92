//! One call sent once: for looking at a node. What is asked in a run goes by the table of
//! [`retry`](super::retry).

use bytes::Bytes;

use super::line::{Attempts, Line, Sending};
use super::{Answer, Call, Closed, Fault, FaultKind};

impl Line {
    /// Sends `call` once, whatever comes of it: to look at a node, not to work with it.
    ///
    /// The content is the body in any case: `Ok` with a status of success, else `Err`.
    ///
    /// # Errors
    /// [`Fault`] when no whole answer came; it says whether the call may have taken effect.
    pub async fn ask(&self, call: &Call) -> Result<Answer<Bytes>, Fault> {
        let mut so_far = Attempts::default();
        let _place = self
            .pace
            .admit()
            .await
            .map_err(|Closed| so_far.fault(FaultKind::Stopped, None))?;
        so_far.sent = 1;
        match self.once(call).await {
            Sending::Answer {
                status,
                headers,
                body,
            } => {
                self.heard();
                let success = status.is_success();
                Ok(Answer {
                    status,
                    headers,
                    content: if success { Ok(body) } else { Err(body) },
                    attempts: 1,
                    doubtful: false,
                })
            }
            Sending::NotSent(cause) => Err(so_far.fault(FaultKind::Unreachable, Some(cause))),
            Sending::Lost { status, cause } => {
                so_far.status = status.map(|status| status.as_u16());
                so_far.doubtful = true;
                Err(so_far.fault(FaultKind::AnswerLost, Some(cause)))
            }
            Sending::TooLarge(status) => {
                so_far.status = Some(status.as_u16());
                so_far.doubtful = true;
                Err(so_far.fault(FaultKind::TooLarge, None))
            }
        }
    }

    /// `text` without the token, should a node send it back.
    #[must_use]
    pub fn without_token(&self, text: &str) -> String {
        let token = self
            .authorization
            .to_str()
            .ok()
            .and_then(|value| value.strip_prefix("Bearer "));
        match token {
            Some(token) if !token.is_empty() => text.replace(token, "[the token]"),
            _ => text.to_owned(),
        }
    }
}
