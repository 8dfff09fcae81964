//! What the policy must allow, by the users of moto.

use access_tokens::rotation::sink::{Sink as _, SinkErrorKind};
use access_tokens_stores::aws_sdk_secretsmanager::config::Credentials;
use access_tokens_testing::sinks;
use serde_json::json;

use super::{client_as, moto, whole};

#[tokio::test]
async fn each_permission_of_the_policy_is_needed_and_no_other() {
    let Some((server, _)) = moto("first").await else {
        return;
    };
    let actions = [
        "DescribeSecret",
        "GetSecretValue",
        "ListSecretVersionIds",
        "PutSecretValue",
        "UpdateSecretVersionStage",
    ];
    let iam = Iam::new(server.port);
    let mut users = vec![(None, iam.user("all", &actions).await)];
    for missing in actions {
        let others: Vec<_> = actions
            .into_iter()
            .filter(|action| *action != missing)
            .collect();
        users.push((Some(missing), iam.user(missing, &others).await));
    }
    iam.enforce().await;
    for (missing, (id, secret)) in users {
        let credential = Credentials::new(id, &*secret, None, None, "test");
        let sink = whole(&client_as(server.port, credential).await);
        let checked = sink.check().await;
        let Some(missing) = missing else {
            checked.unwrap();
            let report = sinks::check(|| sink.clone()).await;
            report.unwrap();
            continue;
        };
        let error = checked.unwrap_err();
        let action = format!("secretsmanager:{missing}");
        assert_eq!(error.kind(), SinkErrorKind::NotStored);
        assert!(error.to_string().contains(&action), "{missing}: {error}");
        assert!(!format!("{error:?} {sink:?}").contains(&secret));
    }
}

/// The users of moto.
struct Iam {
    http: reqwest::Client,
    port: u16,
}

impl Iam {
    fn new(port: u16) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { http, port }
    }

    async fn call(&self, form: &str) -> String {
        let scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request, \
                     SignedHeaders=host, Signature=0";
        let answer = self
            .http
            .post(format!("http://127.0.0.1:{}/", self.port))
            .header("authorization", scope)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("{form}&Version=2010-05-08"))
            .send();
        let answer = answer.await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{text}");
        text
    }

    /// The id and the secret of a key of a user who may do this.
    async fn user(&self, name: &str, actions: &[&str]) -> (String, String) {
        self.call(&format!("Action=CreateUser&UserName={name}"))
            .await;
        let actions: Vec<_> = actions
            .iter()
            .map(|action| format!("secretsmanager:{action}"))
            .collect();
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
        });
        let policy: String = policy.to_string();
        let policy = policy
            .replace('{', "%7B")
            .replace('}', "%7D")
            .replace('"', "%22");
        let form =
            format!("Action=PutUserPolicy&UserName={name}&PolicyName=p&PolicyDocument={policy}");
        self.call(&form).await;
        let made = self
            .call(&format!("Action=CreateAccessKey&UserName={name}"))
            .await;
        let part = |tag: &str| {
            let (_, rest) = made.split_once(&format!("<{tag}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        (part("AccessKeyId"), part("SecretAccessKey"))
    }

    async fn enforce(&self) {
        let url = format!("http://127.0.0.1:{}/moto-api/reset-auth", self.port);
        let answer = self.http.post(url).body("0").send().await.unwrap();
        assert!(answer.status().is_success());
    }
}
