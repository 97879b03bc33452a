//! What Temporal keeps and shows.

use anyhow::Context as _;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use kassa_codec::Codec;
use temporalio_client::WorkflowListOptions;
use temporalio_common::data_converters::PayloadConversionError;
use temporalio_common::payload_visitor::{AsyncPayloadVisitor, PayloadField, PayloadFieldData, PayloadVisitable};
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::history::v1::History;
use temporalio_common::protos::temporal::api::workflow::v1::WorkflowExecutionInfo;

use super::Markers;
use crate::Shop;

/// Payloads that are shown to whoever may look at workflows at all, or that would be without encryption: what they hold is
/// looked at, not only what Temporal keeps of it. All others are data, and may hold what is personal once they are encrypted.
const SHOWN: [&str; 4] = ["Failure.encoded_attributes", "SearchAttributes", "UserMetadata", "Memo"];

impl Markers {
    /// Checks everything that Temporal keeps of a workflow: that nothing of it is readable without the key, and that what it
    /// shows in clear text holds none of them with the key either. Those are names and ids, search attributes, memo, static
    /// summary and details, current details, and what failures say, those of activities that are being retried among
    /// them.
    ///
    /// # Panics
    ///
    /// When something holds one, or was not looked at.
    pub async fn assert_absent_in_workflow(&self, shop: &Shop, id: &str) -> anyhow::Result<()> {
        let history = History { events: shop.raw_history_of(id).await? };
        let mut seen = self.assert_absent_in_message(&shop.codec, id, history).await?;
        let description = shop.describe_workflow(id).await?.with_context(|| format!("there is no workflow {id}"))?;
        seen += self.assert_absent_in_message(&shop.codec, id, description.raw().clone()).await?;
        assert!(seen > 0, "{id} shows nothing, so this looks in the wrong place");
        self.assert_absent("current details", &shop.operator().details_of(id).await?);
        Ok(())
    }

    /// Checks what Temporal lists of workflows. Returns how many there are.
    ///
    /// # Panics
    ///
    /// When something holds one.
    pub async fn assert_absent_in_list(&self, shop: &Shop, query: &str) -> anyhow::Result<usize> {
        let mut workflows = shop.temporal.list_workflows(query, WorkflowListOptions::default());
        let mut listed = 0;
        while let Some(workflow) = workflows.next().await {
            let info: WorkflowExecutionInfo = workflow?.raw().clone();
            self.assert_absent_in_message(&shop.codec, "a workflow of the list", info).await?;
            listed += 1;
        }
        Ok(listed)
    }

    /// Checks a message of Temporal's. Returns how many of its payloads are shown to people.
    async fn assert_absent_in_message(
        &self,
        codec: &Codec,
        place: &str,
        mut message: impl PayloadVisitable + std::fmt::Debug,
    ) -> anyhow::Result<usize> {
        // Payloads are written as numbers here, so that what is found is a name or what a failure says.
        self.assert_absent(place, &format!("{message:?}"));
        let mut payloads = Payloads::default();
        message.visit_payloads_mut(&mut payloads).await?;
        let mut shown = 0;
        for (path, payload) in payloads.0 {
            self.assert_absent(&format!("{place}: {path}"), &String::from_utf8_lossy(&payload.data));
            if SHOWN.iter().any(|part| path.contains(part)) {
                let opened = codec.open(payload)?;
                self.assert_absent(&format!("{place}: {path}"), &String::from_utf8_lossy(&opened.data));
                shown += 1;
            }
        }
        Ok(shown)
    }
}

/// Collects payloads, each with the path to its field.
#[derive(Debug, Default)]
struct Payloads(Vec<(&'static str, Payload)>);

impl AsyncPayloadVisitor for Payloads {
    fn visit<'a>(&'a mut self, field: PayloadField<'a>) -> BoxFuture<'a, Result<(), PayloadConversionError>> {
        match field.data {
            PayloadFieldData::Single(payload) => self.0.push((field.path, payload.clone())),
            PayloadFieldData::Repeated(payloads) => {
                self.0.extend(payloads.iter().map(|payload| (field.path, payload.clone())));
            }
            PayloadFieldData::Payloads(payloads) => {
                self.0.extend(payloads.payloads.iter().map(|payload| (field.path, payload.clone())));
            }
        }
        std::future::ready(Ok(())).boxed()
    }
}
