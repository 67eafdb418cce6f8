//! The client of a store, made of the variables of its provider.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as S3Key};
use object_store::azure::{AzureConfigKey as AzureKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey as GoogleKey};
use object_store::{BackoffConfig, ClientConfigKey, ClientOptions, Error as StoreError, ObjectStore, RetryConfig};

use super::{Provider, StoreUrl, failure};
use crate::error::{Error, ErrorKind};

/// How long a request may take; the largest has 8 MiB to send or a row group to receive.
const REQUEST: Duration = Duration::from_mins(1);

/// Variables of the environment by name; one without a value counts as one that is not set.
pub(super) type Variables = Vec<(String, String)>;

/// Makes the client.
///
/// # Errors
/// `Invalid`, with the name of the variable that is wrong or missing.
pub(super) fn client(url: &StoreUrl, mut variables: Variables) -> Result<Arc<dyn ObjectStore>, Error> {
    variables.retain(|(_, value)| !value.is_empty());
    check_addresses(url.provider(), &variables)?;
    build(url, variables.iter().cloned()).map_err(|error| {
        let culprit = culprit(url, &variables, &error);
        failure::of_settings(url, &error, culprit)
    })
}

/// The variable without which the client would not fail, or else would fail in another way. What the client says of it may
/// hold its value, and rarely holds its name.
fn culprit<'a>(url: &StoreUrl, variables: &'a Variables, error: &StoreError) -> Option<&'a str> {
    let said = error.to_string();
    let without = |name: &str| {
        let others = variables.iter().filter(|(other, _)| other != name).cloned();
        build(url, others).err().map(|error| error.to_string())
    };
    let mut names = variables.iter().map(|(name, _)| name.as_str());
    let mut again = names.clone();
    names
        .find(|name| without(name).is_none())
        .or_else(|| again.find(|name| without(name).is_some_and(|other| other != said)))
}

/// The client would panic at its first request.
fn check_addresses(provider: Provider, variables: &Variables) -> Result<(), Error> {
    let wrong = |(name, value): &&(String, String)| is_address(provider, name) && reqwest::Url::parse(value).is_err();
    match variables.iter().find(wrong) {
        Some((name, _)) => Err(Error::new(
            ErrorKind::Invalid,
            format!("{name} is no address of a store"),
        )),
        None => Ok(()),
    }
}

fn is_address(provider: Provider, name: &str) -> bool {
    use ClientConfigKey::ProxyUrl;
    let name = name.to_ascii_lowercase();
    match provider {
        Provider::S3 => matches!(
            name.parse(),
            Ok(S3Key::Endpoint
                | S3Key::S3Endpoint
                | S3Key::StsEndpoint
                | S3Key::MetadataEndpoint
                | S3Key::ContainerCredentialsFullUri
                | S3Key::Client(ProxyUrl))
        ),
        Provider::Google => matches!(name.parse(), Ok(GoogleKey::BaseUrl | GoogleKey::Client(ProxyUrl))),
        Provider::Azure => matches!(
            name.parse(),
            Ok(AzureKey::Endpoint | AzureKey::AuthorityHost | AzureKey::MsiEndpoint | AzureKey::Client(ProxyUrl))
        ),
    }
}

fn build(
    url: &StoreUrl,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Arc<dyn ObjectStore>, StoreError> {
    let client = ClientOptions::new().with_timeout(REQUEST);
    // Together some seconds; whoever has more patience tries the whole job again.
    let retry = RetryConfig {
        backoff: BackoffConfig {
            max_backoff: Duration::from_secs(2),
            ..BackoffConfig::default()
        },
        max_retries: 6,
        retry_timeout: REQUEST,
    };
    Ok(match url.provider() {
        Provider::S3 => {
            let builder = AmazonS3Builder::new().with_client_options(client).with_retry(retry);
            let builder = known(variables)
                .fold(builder, |builder, (name, value)| builder.with_config(name, value))
                .with_bucket_name(url.bucket());
            Arc::new(builder.build()?)
        }
        Provider::Google => {
            let builder = GoogleCloudStorageBuilder::new()
                .with_client_options(client)
                .with_retry(retry);
            let builder = known(variables)
                .fold(builder, |builder, (name, value)| builder.with_config(name, value))
                .with_bucket_name(url.bucket());
            Arc::new(builder.build()?)
        }
        Provider::Azure => {
            let builder = MicrosoftAzureBuilder::new()
                .with_client_options(client)
                .with_retry(retry);
            let builder = known(variables)
                .fold(builder, |builder, (name, value)| builder.with_config(name, value))
                .with_container_name(url.bucket());
            Arc::new(builder.build()?)
        }
    })
}

/// The variables that a provider knows.
fn known<K: FromStr>(variables: impl Iterator<Item = (String, String)>) -> impl Iterator<Item = (K, String)> {
    let known = |(name, value): (String, String)| Some((name.to_ascii_lowercase().parse().ok()?, value));
    variables.filter_map(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let owned = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let error = client(&url.parse().unwrap(), owned.collect()).err()?;
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
        Some(error.to_string())
    }

    #[test]
    fn the_variable_that_is_wrong_or_missing_is_named() {
        let check = |url: &str, variables: &[(&str, &str)], words: &[&str]| {
            let error = error(url, variables).unwrap();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        };
        let (s3, gs, az) = ("s3://b", "gs://b", "az://b");
        let region = ("AWS_REGION", "eu-central-1");
        check(
            s3,
            &[region, ("AWS_ALLOW_HTTP", "hush")],
            &["AWS_ALLOW_HTTP", "cannot be"],
        );
        check(s3, &[("AWS_TIMEOUT", "hush"), region], &["AWS_TIMEOUT", "cannot be"]);
        // Of two that are wrong, leaving out either one does not help.
        let both = [("AWS_SKIP_SIGNATURE", "hush"), ("AWS_ALLOW_HTTP", "hush")];
        check(s3, &both, &["environment variables AWS_"]);
        check(
            s3,
            &[region, ("AWS_ACCESS_KEY_ID", "hush")],
            &["AWS_SECRET_ACCESS_KEY", "needs"],
        );
        check(
            s3,
            &[("AWS_SECRET_ACCESS_KEY", "hush")],
            &["AWS_ACCESS_KEY_ID", "needs"],
        );
        check(s3, &[("AWS_ENDPOINT_URL", "hush")], &["AWS_ENDPOINT_URL", "no address"]);
        check(gs, &[("GOOGLE_BASE_URL", "hush")], &["GOOGLE_BASE_URL", "no address"]);
        check(
            gs,
            &[("GOOGLE_SERVICE_ACCOUNT", "/hush")],
            &["GOOGLE_SERVICE_ACCOUNT", "cannot be"],
        );
        check(
            az,
            &[("AZURE_ALLOW_HTTP", "true")],
            &["AZURE_STORAGE_ACCOUNT_NAME", "needs"],
        );
        let account = ("AZURE_STORAGE_ACCOUNT_NAME", "me");
        let key = ("AZURE_STORAGE_ACCOUNT_KEY", "hush!");
        check(az, &[account, key], &["AZURE_STORAGE_ACCOUNT_KEY", "cannot be"]);
    }

    #[test]
    fn what_others_read_or_what_has_no_value_is_let_be() {
        let variables = [
            ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv4"),
            ("AWS_ENDPOINT_URL", ""),
            ("AWS_ALLOW_HTTP", ""),
            ("AWS_PAGER", "less"),
        ];
        assert_eq!(error("s3://b", &variables), None);
    }
}
