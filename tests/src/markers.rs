//! Values that occur nowhere else, to look for in places where nobody may see them.

mod sinks;
mod temporal;

use uuid::Uuid;

/// What was told to the shop in confidence.
#[derive(Debug, Default)]
pub struct Markers(Vec<String>);

impl Markers {
    /// Another one, within a text such as `"@example.com"`.
    pub fn plant(&mut self, before: &str, after: &str) -> String {
        let marker = Uuid::new_v4().simple().to_string();
        let text = format!("{before}{marker}{after}");
        self.0.push(marker);
        text
    }

    /// What was handed out, and is to be kept secret.
    pub fn keep(&mut self, secret: &str) {
        self.0.push(secret.to_owned());
    }

    /// Checks that a text holds none of them.
    ///
    /// # Panics
    ///
    /// When it holds one.
    #[track_caller]
    pub fn assert_absent(&self, place: &str, text: &str) {
        for marker in &self.0 {
            let line = text.lines().find(|line| line.contains(marker.as_str()));
            assert!(line.is_none(), "{place} shows what it must not: {line:?}");
        }
    }
}
