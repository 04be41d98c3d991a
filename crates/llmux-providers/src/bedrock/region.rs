//! Regions of AWS, and where Bedrock answers in them.

/// Regions with Bedrock, by AWS's list of its endpoints.
pub(super) const REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// The region where nothing names one: LiteLLM's.
pub(super) const DEFAULT: &str = "us-west-2";

/// Bedrock's address in a region.
pub(super) fn endpoint(region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://bedrock-runtime.{region}.{domain}")
}

/// The address of Bedrock's agents and knowledge bases in a region.
pub(super) fn agents_endpoint(region: &str) -> String {
    endpoint(region).replacen("bedrock-runtime", "bedrock-agent-runtime", 1)
}

/// The partition of AWS that a region is in, as ARNs name it.
pub(super) fn partition(region: &str) -> &'static str {
    match region.split('-').collect::<Vec<_>>().as_slice() {
        ["cn", ..] => "aws-cn",
        ["us", "gov", ..] => "aws-us-gov",
        _ => "aws",
    }
}

/// Whether a path is one of the service for agents and knowledge bases, by the published model of its runtime.
pub(super) fn is_for_agents(path: &str) -> bool {
    const FIRST: &[&str] = &[
        "agents",
        "flows",
        "generateQuery",
        "invoke-agent",
        "knowledgebases",
        "optimize-prompt",
        "rerank",
        "retrieveAndGenerate",
        "retrieveAndGenerateStream",
        "sessions",
    ];
    path.split('/').nth(1).is_some_and(|first| FIRST.contains(&first))
}

/// Where a known region stands in the list.
pub(super) fn position(region: &str) -> Option<usize> {
    REGIONS.binary_search(&region).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_every_region_has_its_address() {
        assert!(REGIONS.is_sorted());
        assert_eq!(endpoint("eu-central-1"), "https://bedrock-runtime.eu-central-1.amazonaws.com");
        assert_eq!(agents_endpoint("us-east-1"), "https://bedrock-agent-runtime.us-east-1.amazonaws.com");
        assert!(
            is_for_agents("/knowledgebases/K1/retrieve") && !is_for_agents("/guardrail/g/version/1/apply")
        );
        assert!(endpoint("cn-north-1").ends_with(".amazonaws.com.cn"));
    }
}
