//! Encryption of what Temporal keeps: inputs and results of workflows and activities, updates, memos, and the messages and
//! details of failures are sealed before they leave the process, with AES-256-GCM.
//!
//! What the server has to read itself is not: ids, types, search attributes. Nor are the static summary and details of a
//! workflow, which the SDK sends as they are. None of them holds personal data.

mod failures;
mod keys;
mod seal;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use temporalio_common::data_converters::{
    DataConverter, DefaultFailureConverter, PayloadCodec, PayloadConversionError, PayloadConverter,
    SerializationContextData,
};
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::failure::v1::Failure;

use failures::SealedFailures;

pub use keys::{InvalidKeys, KeyId, MAX_KEY_ID_LENGTH, PayloadKeys};
pub use seal::{ENCRYPTED, ENCRYPTION_KEY_ID, Unreadable};

/// Seals and opens payloads. Cloning is cheap.
///
/// Without keys nothing is sealed, and what was sealed before cannot be opened. What is not sealed is let through in any
/// case, so that encryption can be switched on under running workflows.
#[derive(Debug, Clone, Default)]
pub struct Codec {
    keys: Option<PayloadKeys>,
}

impl Codec {
    /// A codec with the keys that there are.
    pub fn new(keys: Option<PayloadKeys>) -> Self {
        Self { keys }
    }

    /// Whether it seals what it is given.
    pub fn encrypts(&self) -> bool {
        self.keys.is_some()
    }

    /// Seals a payload, if there is a key.
    pub fn seal(&self, payload: Payload) -> Payload {
        match &self.keys {
            Some(keys) => seal::seal(keys, &payload),
            None => payload,
        }
    }

    /// Opens a payload, if it is sealed.
    pub fn open(&self, payload: Payload) -> Result<Payload, Unreadable> {
        if seal::is_sealed(&payload) { seal::open(self.keys.as_ref(), &payload) } else { Ok(payload) }
    }

    /// What a failure says, opened if it is sealed.
    pub fn message(&self, failure: &Failure) -> Result<String, Unreadable> {
        let Some(sealed) = failure.encoded_attributes.clone() else { return Ok(failure.message.clone()) };
        Ok(failures::message(&self.open(sealed)?).unwrap_or_else(|| failure.message.clone()))
    }

    /// What clients and Workers convert values with. Where payloads are sealed, what failures say is made into payloads.
    pub fn data_converter(self) -> DataConverter {
        let values = PayloadConverter::default();
        if self.encrypts() {
            DataConverter::new(values, SealedFailures, self)
        } else {
            DataConverter::new(values, DefaultFailureConverter::default(), self)
        }
    }
}

impl PayloadCodec for Codec {
    fn encode(
        &self,
        _context: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
        let sealed = payloads.into_iter().map(|payload| self.seal(payload)).collect();
        futures::future::ready(Ok(sealed)).boxed()
    }

    fn decode(
        &self,
        _context: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
        let opened: Result<_, _> = payloads.into_iter().map(|payload| self.open(payload)).collect();
        futures::future::ready(opened.map_err(|error| PayloadConversionError::EncodingError(Box::new(error)))).boxed()
    }
}
