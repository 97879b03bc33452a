//! Which messages a customer with an account wants.

use axum::Json as JsonBody;
use axum::extract::State;
use kassa_domain::PhoneNumber;
use kassa_store::UserSettings;
use kassa_store::settings::NotificationSettings;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::SignedIn;
use crate::extract::Json;
use crate::problem::Problem;
use crate::wire::Object;

/// What a customer wants beyond the mails without which nobody should buy anything: the confirmation, a problem with the
/// payment, and a cancellation are always mailed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NotificationSettings, example = json!({
    "mail": {"shipped": true, "refunded": true}, "sms": {"phone_number": "+4915112345678"}
}))]
pub(crate) struct SettingsBody {
    /// Mails that can be done without.
    #[schema(value_type = MailSettings)]
    mail: Object<MailSettings>,
    /// Short messages when an order is confirmed and when it is on its way; none without this member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<SmsSettings>)]
    sms: Option<Object<SmsSettings>>,
}

/// Mails that can be done without.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailSettings {
    /// When an order is on its way.
    shipped: bool,
    /// When money was given back.
    refunded: bool,
}

/// Short messages.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmsSettings {
    /// Where to, in the form of E.164.
    #[schema(value_type = String, pattern = r"^\+[1-9][0-9]{6,14}$")]
    phone_number: PhoneNumber,
}

impl From<NotificationSettings> for SettingsBody {
    fn from(settings: NotificationSettings) -> Self {
        let NotificationSettings { mail_shipped, mail_refunded, phone_number } = settings;
        Self {
            mail: Object(MailSettings { shipped: mail_shipped, refunded: mail_refunded }),
            sms: phone_number.map(|phone_number| Object(SmsSettings { phone_number })),
        }
    }
}

impl From<SettingsBody> for NotificationSettings {
    fn from(body: SettingsBody) -> Self {
        let Object(mail) = body.mail;
        Self {
            mail_shipped: mail.shipped,
            mail_refunded: mail.refunded,
            phone_number: body.sms.map(|Object(sms)| sms.phone_number),
        }
    }
}

/// Reads which messages you want.
///
/// Who has never chosen gets every mail and no short messages, like guests.
#[utoipa::path(
    get, path = "/api/notifications/settings", tag = "notifications", security(("access_token" = [])),
    responses((status = OK, description = "Which messages you want.", body = SettingsBody)),
)]
pub(crate) async fn get_notification_settings(
    SignedIn { user, .. }: SignedIn,
    State(settings): State<UserSettings>,
) -> Result<JsonBody<SettingsBody>, Problem> {
    Ok(JsonBody(settings.get(&user).await?.into()))
}

/// Chooses which messages you want.
///
/// The choice is replaced as a whole and holds for every message sent from then on.
#[utoipa::path(
    put, path = "/api/notifications/settings", tag = "notifications", security(("access_token" = [])),
    request_body = SettingsBody,
    responses((status = OK, description = "Which messages you want from now on.", body = SettingsBody)),
)]
pub(crate) async fn put_notification_settings(
    SignedIn { user, .. }: SignedIn,
    State(settings): State<UserSettings>,
    Json(body): Json<SettingsBody>,
) -> Result<JsonBody<SettingsBody>, Problem> {
    let chosen = NotificationSettings::from(body);
    settings.put(&user, &chosen).await?;
    Ok(JsonBody(chosen.into()))
}
