//! Deployments whose model cannot do what a request needs.

use llmux_core::{Error, Retry};
use memchr::memmem;

use super::Search;
use crate::{deployment::Capabilities, explain::Exclusion, refusal};

fn field<'a>(search: &Search<'a>, name: &str) -> &'a [u8] {
    search.ask.envelope.get(search.ask.body, name).filter(|raw| *raw != b"null").unwrap_or_default()
}

fn any(haystack: &[u8], needles: &[&str]) -> bool {
    needles.iter().any(|needle| memmem::find(haystack, needle.as_bytes()).is_some())
}

/// Whether a request lets the provider search the web.
fn searches(search: &Search<'_>) -> bool {
    let tools = field(search, "tools");
    !field(search, "web_search_options").is_empty()
        || any(tools, &["\"web_search", "\"google_search", "\"googleSearch"])
}

/// Deployments that are known not to search the web.
pub(super) fn web_search(search: &mut Search<'_>) -> Result<(), Error> {
    let knows =
        |member: &crate::group::Member| member.deployment.settings().capabilities.web_search == Some(false);
    if !search.members().any(|(_, member)| knows(member)) || !searches(search) {
        return Ok(());
    }
    search.keep(Exclusion::Capability, |member| !knows(member));
    if search.left.is_empty() { Err(refusal::nobody(search).with_retry(Retry::Never)) } else { Ok(()) }
}

/// Deployments that are known not to see images, call tools or answer in a given form, if others are left.
pub(super) fn run(search: &mut Search<'_>) {
    type Can = fn(&Capabilities) -> Option<bool>;
    type Needs = fn(&Search<'_>) -> bool;
    let pairs: [(Can, Needs); 3] = [
        (
            |can| can.vision,
            |search| {
                // As names of types they stand in quotes of their own, which a text's would not be.
                let images =
                    ["\"image_url\"", "\"input_image\"", "\"image\"", "\"inlineData\"", "\"inline_data\""];
                ["messages", "input", "contents"].iter().any(|name| any(field(search, name), &images))
            },
        ),
        (
            |can| can.tools,
            |search| !field(search, "tools").is_empty() || !field(search, "functions").is_empty(),
        ),
        (|can| can.response_schema, |search| any(field(search, "response_format"), &["json_schema"])),
    ];
    for (can, needs) in pairs {
        let cannot =
            |member: &crate::group::Member| can(&member.deployment.settings().capabilities) == Some(false);
        if search.members().any(|(_, member)| cannot(member)) && needs(search) {
            search.prefer(Exclusion::Capability, |_, member| !cannot(member));
        }
    }
}
