//! No message is lost unseen.

use std::collections::BTreeSet;

use anyhow::Context as _;
use serde_json::Value;

use crate::environment::Environment;

#[tokio::test]
async fn every_queue_has_dead_letters_and_every_queue_of_dead_letters_an_alarm() -> anyhow::Result<()> {
    for environment in Environment::ALL {
        let applied = environment.applied().await?;
        let name = |value: &Value| value.as_str().map(str::to_owned).context("not a name");
        let mut watched = BTreeSet::new();
        for alarm in applied.of("aws_cloudwatch_metric_alarm")? {
            if alarm.values["metric_name"] == "ApproximateNumberOfMessagesVisible" {
                assert_ne!(alarm.values["alarm_actions"], Value::Array(vec![]), "{} alarms nobody", alarm.address);
                watched.insert(name(&alarm.values["dimensions"]["QueueName"])?);
            }
        }
        let mut dead_letters = BTreeSet::new();
        for queue in applied.of("aws_sqs_queue")? {
            let queue_name = name(&queue.values["name"])?;
            let policy = queue.values["redrive_policy"].as_str().and_then(|policy| serde_json::from_str(policy).ok());
            match policy {
                Some(Value::Object(policy)) => {
                    let target = name(&policy["deadLetterTargetArn"])?;
                    dead_letters.insert(target.rsplit(':').next().unwrap_or_default().to_owned());
                }
                _ => assert!(watched.contains(&queue_name), "{queue_name} has neither dead letters nor an alarm"),
            }
        }
        assert!(
            dead_letters.is_subset(&watched),
            "{environment:?}: of {dead_letters:?} only {watched:?} have an alarm"
        );
        for target in applied.of("aws_cloudwatch_event_target")? {
            assert!(
                target.values["dead_letter_config"][0]["arn"].is_string(),
                "{} has no dead letters",
                target.address
            );
        }
    }
    Ok(())
}
