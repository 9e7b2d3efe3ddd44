//! What an attacker with a stolen key or wire might try, for the demonstration: each is expected
//! to be refused, and answers how.

use super::fault::ClientFault;
use super::requests::Outgoing;
use super::session::Session;

impl Session {
    /// Uses one client assertion twice.
    ///
    /// # Errors
    /// The refusal that is hoped for.
    pub async fn replay_an_assertion(&self) -> Result<(), ClientFault> {
        let assertion = self.assertion()?;
        self.present(&assertion).await?;
        self.present(&assertion).await.map(drop)
    }
}

impl Outgoing {
    /// The same message with one character of its signed payload exchanged.
    #[must_use]
    pub fn tampered(mut self) -> Self {
        let mut seen_dot = 0usize;
        let object = self.object.chars().map(|c| {
            seen_dot += usize::from(c == '.');
            if seen_dot == 1 && c == 'Q' { 'R' } else { c }
        });
        self.object = object.collect();
        self
    }
}
