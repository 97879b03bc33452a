//! Temporal's remote codec protocol: what workflows hold, opened for the web UI and sealed for it.

use std::collections::BTreeMap;

use axum::Json;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use temporalio_common::protos::temporal::api::common::v1::Payload;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::codec_endpoint::Operator;
use crate::extract::{MAX_PAYLOADS, Raw, parse};
use crate::problem::{Problem, ProblemCode};
use crate::state::AppState;

pub(crate) const PROBLEMS: &[(&str, &[ProblemCode])] =
    &[("decode_payloads", &[ProblemCode::ValidationFailed]), ("encode_payloads", &[ProblemCode::ValidationFailed])];

/// Some leave the padding out.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The routes, which are served where the codec endpoint is switched on.
pub(crate) fn all() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(decode_payloads)).routes(routes!(encode_payloads))
}

/// Values as Temporal sends them: in the JSON form of protobuf, which leaves out whatever is empty.
#[derive(Debug, Deserialize)]
struct Sent {
    payloads: Option<Vec<SentPayload>>,
}

/// A value as Temporal sends it, its bytes in base64.
#[derive(Debug, Deserialize)]
struct SentPayload {
    metadata: Option<BTreeMap<String, String>>,
    data: Option<String>,
}

impl SentPayload {
    fn read(self) -> Option<Payload> {
        let metadata = self.metadata.unwrap_or_default().into_iter();
        let metadata = metadata.map(|(name, value)| Some((name, LENIENT.decode(value).ok()?)));
        Some(Payload {
            metadata: metadata.collect::<Option<_>>()?,
            data: LENIENT.decode(self.data.unwrap_or_default()).ok()?,
            ..Payload::default()
        })
    }
}

/// Values as Temporal keeps them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PayloadsBody {
    payloads: Vec<PayloadBody>,
}

/// A value as Temporal keeps it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PayloadBody {
    /// What is said about the value, in base64.
    metadata: BTreeMap<String, String>,
    /// The value, in base64.
    data: String,
}

impl From<&Payload> for PayloadBody {
    fn from(payload: &Payload) -> Self {
        let metadata = payload.metadata.iter().map(|(name, value)| (name.clone(), BASE64_STANDARD.encode(value)));
        Self { metadata: metadata.collect(), data: BASE64_STANDARD.encode(&payload.data) }
    }
}

/// Opens encrypted payloads.
///
/// The web UI of Temporal asks for this to show operators what an order holds. Payloads that are not encrypted come back as they
/// are. Served where `KASSA_CODEC_ENDPOINT` says so; where it says `local`, whoever is on the same machine needs no token.
#[utoipa::path(
    post, path = "/api/codec/decode", tag = "service",
    request_body(
        content = Object, content_type = "application/json", description = "Payloads, with all bytes in base64.",
        example = json!({"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "eyJvcmRlciI6MX0="}]}),
    ),
    responses((status = OK, description = "The payloads, opened.", body = PayloadsBody)),
    security(("access_token" = ["admin"])),
)]
pub(crate) async fn decode_payloads(
    Operator { codec }: Operator,
    Raw(body): Raw<MAX_PAYLOADS>,
) -> Result<Json<PayloadsBody>, Problem> {
    each(&body, |payload| codec.open(payload).map_err(|error| error.to_string()))
}

/// Encrypts payloads.
///
/// The web UI of Temporal asks for this before it sends what an operator has entered.
#[utoipa::path(
    post, path = "/api/codec/encode", tag = "service",
    request_body(
        content = Object, content_type = "application/json", description = "Payloads, with all bytes in base64.",
        example = json!({"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "eyJvcmRlciI6MX0="}]}),
    ),
    responses((status = OK, description = "The payloads, encrypted with the active key.", body = PayloadsBody)),
    security(("access_token" = ["admin"])),
)]
pub(crate) async fn encode_payloads(
    Operator { codec }: Operator,
    Raw(body): Raw<MAX_PAYLOADS>,
) -> Result<Json<PayloadsBody>, Problem> {
    each(&body, |payload| Ok(codec.seal(payload)))
}

fn each(body: &[u8], change: impl Fn(Payload) -> Result<Payload, String>) -> Result<Json<PayloadsBody>, Problem> {
    let Sent { payloads } = parse(body)?;
    let changed = payloads.unwrap_or_default().into_iter().enumerate().map(|(index, payload)| {
        let refused = |detail: String| Problem::field(format!("payloads[{index}]"), detail);
        let payload = payload.read().ok_or_else(|| refused("expected bytes in base64".to_owned()))?;
        change(payload).map(|payload| PayloadBody::from(&payload)).map_err(refused)
    });
    Ok(Json(PayloadsBody { payloads: changed.collect::<Result<_, _>>()? }))
}
