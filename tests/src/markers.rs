//! Values that occur nowhere else, to look for in places where nobody may see them.

use anyhow::Context as _;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use uuid::Uuid;

use crate::Shop;

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

    /// Checks that nothing which the web UI shows in clear text of a history holds one of them. Payloads are data, and
    /// meant to be encrypted.
    ///
    /// # Panics
    ///
    /// When something holds one.
    #[track_caller]
    pub fn assert_absent_in_history(&self, history: &[HistoryEvent]) {
        for event in history {
            let shown = event.user_metadata.iter().flat_map(|metadata| [&metadata.summary, &metadata.details]);
            for payload in shown.flatten() {
                self.assert_absent("an event", &String::from_utf8_lossy(&payload.data));
            }
            // Payloads are written as numbers here, so that what is found is a failure message or a name.
            self.assert_absent("an event", &format!("{event:?}"));
        }
    }

    /// Checks that the logs of all processes hold none of them. `seen` is what the log of the API has to hold, or nothing
    /// was looked at.
    ///
    /// # Panics
    ///
    /// When one of them does.
    pub fn assert_absent_in_logs(&self, shop: &Shop, seen: &str) -> anyhow::Result<()> {
        for name in ["api", "worker", "temporal"] {
            let path = shop.stack.logs().join(format!("{name}.log"));
            let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            self.assert_absent(name, &text);
            assert!(name != "api" || text.contains(seen), "the log of the API says nothing of {seen}");
        }
        Ok(())
    }
}
