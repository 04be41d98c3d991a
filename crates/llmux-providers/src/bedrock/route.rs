//! What a model's name says beside the model: the API to ask, and the region.

use llmux_wire::bedrock::{Family, base_model};

use super::region;

/// A model's name, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route<'a> {
    /// The API that the name asks for, if it does.
    pub(super) api: Option<Api>,
    /// The region that the name or the ARN is about, if it says so.
    pub(super) region: Option<&'a str>,
    /// The model's id, inference profile or ARN.
    pub(super) model: &'a str,
}

/// An API of Bedrock's runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    /// One form for all models.
    Converse,
    /// The form of each model's maker.
    Invoke,
}

impl<'a> Route<'a> {
    /// Reads LiteLLM's names: `converse/…`, `invoke/…`, `{region}/…`, `{region}/{commitment}/…`.
    pub(super) fn of(name: &'a str) -> Self {
        let (api, rest) = if let Some(rest) = name.strip_prefix("converse/") {
            (Some(Api::Converse), rest)
        } else if let Some(rest) = name.strip_prefix("invoke/") {
            (Some(Api::Invoke), rest)
        } else {
            (None, name)
        };
        let (region, model) = match rest.split_once('/') {
            Some((region, model)) if region::position(region).is_some() => (Some(region), model),
            _ => (None, rest),
        };
        let model = match model.split_once('/') {
            Some((commitment, model)) if commitment.ends_with("-commitment") => model,
            _ => model,
        };
        Self { api, region: region.or_else(|| region_of_arn(model)), model }
    }

    /// Whether the model takes Anthropic's bodies through `invoke`, and the name does not ask for something else.
    pub(super) fn invokes_claude(&self) -> bool {
        self.api != Some(Api::Converse) && Family::of(self.model) == Family::Claude
    }

    /// The model, as it stands in a path. Counting takes no inference profiles, only the models behind them.
    pub(super) fn path(&self, method: &str) -> String {
        let model = if method == "count-tokens" { base_model(self.model) } else { self.model };
        format!("/model/{}/{method}", encode(model))
    }

    /// The model's ARN, for a model of Bedrock's own in `region`.
    pub(super) fn arn(&self, region: &str) -> String {
        if self.model.starts_with("arn:") {
            return self.model.to_owned();
        }
        format!("arn:{}:bedrock:{region}::foundation-model/{}", region::partition(region), self.model)
    }
}

/// The region in `arn:aws:bedrock:REGION:…`.
fn region_of_arn(model: &str) -> Option<&str> {
    let mut parts = model.strip_prefix("arn:")?.split(':');
    parts.nth(2).filter(|region| !region.is_empty())
}

/// Percent-encodes everything but the characters that mean nothing in a path.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(16));
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_region_and_commitment_are_read_off_the_name() {
        let route = |name| {
            let Route { api, region, model } = Route::of(name);
            (api, region, model)
        };
        assert_eq!(route("us.amazon.nova-lite-v1:0"), (None, None, "us.amazon.nova-lite-v1:0"));
        assert_eq!(
            route("converse/us-west-2/anthropic.claude-x"),
            (Some(Api::Converse), Some("us-west-2"), "anthropic.claude-x")
        );
        let (region, model) = (Some("us-east-1"), "anthropic.claude-v2:1");
        assert_eq!(route("us-east-1/6-month-commitment/anthropic.claude-v2:1"), (None, region, model));
        let arn = "arn:aws:bedrock:eu-west-3:1:application-inference-profile/abc";
        assert_eq!(Route::of(arn).region, Some("eu-west-3"));
        let named = Route::of("invoke/arn:aws:bedrock:eu-west-3:1:provisioned-model/x");
        assert_eq!((named.api, named.region), (Some(Api::Invoke), Some("eu-west-3")));
    }

    #[test]
    fn a_models_arn_follows_from_its_region() {
        let arn = "arn:aws:bedrock:eu-central-1::foundation-model/cohere.rerank-v3-5:0";
        assert_eq!(Route::of("cohere.rerank-v3-5:0").arn("eu-central-1"), arn);
        assert_eq!(Route::of(arn).arn("us-east-1"), arn);
        assert!(Route::of("m").arn("us-gov-west-1").starts_with("arn:aws-us-gov:"));
    }

    #[test]
    fn the_model_is_one_segment_of_the_path() {
        let arn = Route::of("arn:aws:bedrock:us-east-1:1:inference-profile/us.a.b-v1:0");
        let path = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.a.b-v1%3A0/converse";
        assert_eq!(arn.path("converse"), path);
        assert_eq!(Route::of("eu.anthropic.c").path("count-tokens"), "/model/anthropic.c/count-tokens");
    }
}
