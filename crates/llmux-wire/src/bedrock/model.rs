//! Whose model it is: some parameters go to it under its maker's names.

/// A maker's models, as far as their parameters differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Family {
    /// Anthropic's Claude.
    Claude,
    /// Amazon's Nova of the first generation.
    Nova,
    /// Amazon's Nova of the second generation, which can reason.
    Nova2,
    /// OpenAI's open models.
    OpenAi,
    /// Any other model, and those that a bare ARN does not tell.
    Other,
}

impl Family {
    /// Reads it off the model's id, inference profile or ARN.
    #[must_use]
    pub fn of(model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let named = |part: &str| model.contains(part);
        if named("claude") {
            Self::Claude
        } else if named("nova-2") {
            Self::Nova2
        } else if named("amazon.nova") {
            Self::Nova
        } else if named("openai.") || named("gpt-oss") {
            Self::OpenAi
        } else {
            Self::Other
        }
    }
}

/// What cross-region inference profiles put in front of a model's id.
const AREAS: [&str; 9] = ["us", "eu", "apac", "global", "us-gov", "au", "jp", "ca", "sa"];

/// The model behind a cross-region inference profile: the id without its area.
#[must_use]
pub fn base_model(model: &str) -> &str {
    match model.split_once('.') {
        Some((area, base)) if AREAS.contains(&area) => base,
        _ => model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maker_is_read_off_ids_profiles_and_arns() {
        let of = |model| Family::of(model);
        assert_eq!(of("us.anthropic.claude-sonnet-4-5-20250929-v1:0"), Family::Claude);
        assert_eq!(of("eu.amazon.nova-lite-v1:0"), Family::Nova);
        assert_eq!(of("us.amazon.nova-2-lite-v1:0"), Family::Nova2);
        assert_eq!(of("openai.gpt-oss-120b-1:0"), Family::OpenAi);
        assert_eq!(of("arn:aws:bedrock:us-east-1:1:application-inference-profile/a"), Family::Other);
    }

    #[test]
    fn the_area_of_an_inference_profile_is_no_part_of_the_model() {
        assert_eq!(base_model("us.anthropic.claude-x"), "anthropic.claude-x");
        assert_eq!(base_model("global.anthropic.claude-x"), "anthropic.claude-x");
        assert_eq!(base_model("anthropic.claude-x"), "anthropic.claude-x");
    }
}
