//! The stand-in for SES, SNS, SQS, `EventBridge` and Cognito, with what the product expects to find there.

mod cognito;

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::http::{client, loopback};
use crate::process::{Launch, Process};

pub use cognito::{ADMIN_EMAIL, ADMIN_GROUP, ADMIN_PASSWORD, CONFIRMATION_CODE, UserPool};

/// The region of everything that is made here. The stand-in keeps regions apart, as the real service does.
pub const REGION: &str = "eu-central-1";

/// The access key that local services are called with: that of the account's root, which may do everything.
pub const ACCESS_KEY_ID: &str = "local";

/// The secret that belongs to [`ACCESS_KEY_ID`].
pub const SECRET_ACCESS_KEY: &str = "local";

/// The account that everything belongs to.
const ACCOUNT: &str = "000000000000";

/// The bus the product publishes to.
pub const EVENT_BUS: &str = "kassa";

/// The queue that receives every event of [`EVENT_BUS`], so that they can be read.
pub const EVENT_QUEUE: &str = "kassa-events";

/// Its services; the fewer it loads, the faster it starts.
const SERVICES: &str = "ses,sns,sqs,events,cognito-idp";

/// What it calls errors that say that there is such a thing already.
const EXISTS: [&str; 3] = ["AlreadyExists", "GroupExistsException", "UsernameExistsException"];

/// How long a start may take. It is under a second, but the first one compiles the Python code.
const START: Duration = Duration::from_mins(1);

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The Python interpreter that can import `ministack`.
    pub python: PathBuf,
    /// The port on the loopback interface.
    pub port: u16,
    /// A folder for its files.
    pub folder: PathBuf,
    /// Whether mail and events survive a restart.
    pub persistent: bool,
    /// The address that mail is sent from; mail from any other is refused.
    pub sender: String,
    /// Where the log goes.
    pub log: PathBuf,
}

/// A running server.
#[derive(Debug)]
pub struct Ministack {
    options: Options,
    client: reqwest::Client,
    process: Process,
    user_pool: UserPool,
    admin_token: cognito::AdminToken,
}

/// One mail that was sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Mail {
    /// The id that the sender was given.
    pub message_id: String,
    /// The sender.
    pub source: String,
    /// The recipients.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The text part.
    #[serde(default)]
    pub body_text: Option<String>,
    /// The HTML part.
    #[serde(default)]
    pub body_html: Option<String>,
}

/// One short message that was sent to a phone.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Sms {
    /// The id that the sender was given.
    pub message_id: String,
    /// The recipient.
    pub phone_number: String,
    /// The text.
    pub message: String,
}

/// One event that was published.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    /// The id that the bus gave it; a repeated publication has another one.
    pub id: String,
    /// The publisher.
    pub source: String,
    /// What happened.
    #[serde(rename = "detail-type")]
    pub detail_type: String,
    /// The event itself.
    pub detail: Value,
}

impl Ministack {
    /// Starts a server and makes the sender, the bus, the queue, the user pool and its administrator.
    pub async fn start(options: Options) -> Result<Self> {
        let client = client();
        let process = launch(&options, &client).await?;
        let user_pool = UserPool { id: String::new(), client_id: String::new() };
        let mut server = Self { options, client, process, user_pool, admin_token: cognito::AdminToken::default() };
        server.set_up().await?;
        Ok(server)
    }

    /// The URL for SES, SNS, SQS, `EventBridge` and Cognito.
    pub fn endpoint(&self) -> String {
        loopback(self.options.port)
    }

    /// Where all mail can be read, as JSON.
    pub fn mailbox_url(&self) -> String {
        format!("{}/_ministack/ses/messages", self.endpoint())
    }

    /// Where all events can be read, as JSON.
    pub fn events_url(&self) -> String {
        format!("{}/_ministack/sqs/messages?QueueUrl={}", self.endpoint(), self.queue_url())
    }

    /// All mail that was sent, oldest first.
    pub async fn mails(&self) -> Result<Vec<Mail>> {
        let what = "Reading the mailbox";
        let mut answer = self.get(what, &self.mailbox_url()).await?;
        let mails = answer.pointer_mut(&format!("/messages/{ACCOUNT}")).map(Value::take);
        mails.map_or_else(|| Ok(Vec::new()), |mails| serde_json::from_value(mails).map_err(|e| Error::setup(what, e)))
    }

    /// All short messages that were sent to phones; those to one phone oldest first.
    pub async fn sms(&self) -> Result<Vec<Sms>> {
        #[derive(Deserialize)]
        struct Messages {
            sms_messages: std::collections::BTreeMap<String, Vec<Sms>>,
        }

        let what = "Reading the short messages";
        let answer = self.get(what, &format!("{}/_ministack/sns/sms-messages", self.endpoint())).await?;
        let messages: Messages = serde_json::from_value(answer).map_err(|error| Error::setup(what, error))?;
        Ok(messages.sms_messages.into_values().flatten().collect())
    }

    /// All events that were published, oldest first. They stay in the queue.
    pub async fn events(&self) -> Result<Vec<Event>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Message {
            body: String,
        }

        let what = "Reading the event queue";
        let mut answer = self.get(what, &self.events_url()).await?;
        let Some(queues) = answer.pointer_mut(&format!("/messages/{ACCOUNT}/{REGION}")).map(Value::take) else {
            return Ok(Vec::new());
        };
        let queues: std::collections::BTreeMap<String, Vec<Message>> =
            serde_json::from_value(queues).map_err(|error| Error::setup(what, error))?;
        queues
            .into_values()
            .flatten()
            .map(|message| serde_json::from_str(&message.body).map_err(|error| Error::setup(what, error)))
            .collect()
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Stops it in order.
    pub async fn stop(&mut self) -> Result<()> {
        self.process.stop().await.map(drop)
    }

    /// Kills it, as a crash would. Mail and events are gone.
    pub async fn kill(&mut self) -> Result<()> {
        self.process.kill().await.map(drop)
    }

    /// Starts it again on the same port, after [`Ministack::stop`] or [`Ministack::kill`].
    pub async fn start_again(&mut self) -> Result<()> {
        self.process = launch(&self.options, &self.client).await?;
        self.set_up().await
    }

    async fn set_up(&mut self) -> Result<()> {
        let what = "Verifying the sender of mails";
        let url = format!("{}/v2/email/identities", self.endpoint());
        let body = json!({ "EmailIdentity": self.options.sender });
        let answer = self.client.post(url).header("authorization", authorization("ses")).json(&body).send().await;
        let answer = answer.map_err(|error| Error::setup(what, error))?;
        if !answer.status().is_success() {
            return Err(Error::setup(what, answer.text().await.unwrap_or_default()));
        }

        self.call("events", "AWSEvents.CreateEventBus", &json!({ "Name": EVENT_BUS })).await?;
        self.call("sqs", "AmazonSQS.CreateQueue", &json!({ "QueueName": EVENT_QUEUE })).await?;
        let rule = json!({
            "Name": "everything",
            "EventBusName": EVENT_BUS,
            "EventPattern": json!({ "source": [{ "prefix": "" }] }).to_string(),
        });
        self.call("events", "AWSEvents.PutRule", &rule).await?;
        let target = json!({
            "Rule": "everything",
            "EventBusName": EVENT_BUS,
            "Targets": [{ "Id": EVENT_QUEUE, "Arn": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{EVENT_QUEUE}") }],
        });
        self.call("events", "AWSEvents.PutTargets", &target).await?;
        self.set_up_users().await
    }

    /// One call in the JSON protocol, and what it answers. That a thing exists already is as good as having made it.
    async fn call(&self, service: &str, operation: &str, body: &Value) -> Result<Value> {
        let answer = self
            .client
            .post(self.endpoint())
            .header("authorization", authorization(service))
            .header("x-amz-target", operation)
            .header("content-type", "application/x-amz-json-1.1")
            .body(body.to_string())
            .send()
            .await
            .map_err(|error| Error::setup(operation, error))?;
        let succeeded = answer.status().is_success();
        let text = answer.text().await.map_err(|error| Error::setup(operation, error))?;
        if succeeded || EXISTS.iter().any(|code| text.contains(code)) {
            return Ok(serde_json::from_str(&text).unwrap_or_default());
        }
        Err(Error::setup(operation, text))
    }

    async fn get(&self, what: &str, url: &str) -> Result<Value> {
        let answer = self.client.get(url).send().await.map_err(|error| Error::setup(what, error))?;
        answer.json().await.map_err(|error| Error::setup(what, error))
    }

    fn queue_url(&self) -> String {
        format!("{}/{ACCOUNT}/{EVENT_QUEUE}", self.endpoint())
    }
}

/// The stand-in reads the service and the region from here, and does not check the signature.
fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/20200101/{REGION}/{service}/aws4_request, \
         SignedHeaders=host, Signature=none"
    )
}

async fn launch(options: &Options, client: &reqwest::Client) -> Result<Process> {
    let files = options.folder.join("files");
    std::fs::create_dir_all(&files).map_err(Error::at("Creating the folder", &files))?;
    let mut process = Launch::new("The AWS stand-in", &options.python, &options.log)
        .args(["-m", "ministack"])
        // Without this it listens on all interfaces.
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", options.port.to_string())
        .env("MINISTACK_REGION", REGION)
        .env("SERVICES", SERVICES)
        // Cognito checks codes and tokens with this only. All calls come with the key of the root, so nothing else changes.
        .env("AUTH", "true")
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        // A listener that nothing here uses, on a fixed port.
        .env("IOT_MTLS_ENABLED", "0")
        .env("TMPDIR", &files)
        .env("S3_DATA_DIR", files.join("s3"))
        .env("STATE_DIR", options.folder.join("state"))
        .env("PERSIST_STATE", if options.persistent { "1" } else { "0" })
        .spawn()
        .await?;
    let url = format!("{}/_ministack/ready", loopback(options.port));
    process.ready(START, async || client.get(&url).send().await.ok()?.error_for_status().ok()).await?;
    Ok(process)
}
