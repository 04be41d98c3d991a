//! Deployments whose model cannot do what a request needs.

use llmux_core::{Error, Retry};
use memchr::memmem;

use super::Search;
use crate::{explain::Exclusion, mask::Mask, refusal};

fn field<'a>(search: &Search<'a>, name: &str) -> &'a [u8] {
    search.ask.envelope.get(search.ask.body, name).filter(|raw| *raw != b"null").unwrap_or_default()
}

fn any(haystack: &[u8], needles: &[&str]) -> bool {
    needles.iter().any(|needle| memmem::find(haystack, needle.as_bytes()).is_some())
}

/// Whether a request lets the provider search the web.
fn searches(search: &Search<'_>) -> bool {
    let tools = field(search, "tools");
    // Most tools have nothing of the end that these names share.
    !field(search, "web_search_options").is_empty()
        || any(tools, &["earch"]) && any(tools, &["\"web_search", "\"google_search", "\"googleSearch"])
}

/// Deployments that are known not to search the web.
pub(super) fn web_search(search: &mut Search<'_>) -> Result<(), Error> {
    let cannot = &search.group.known.no_search;
    if !search.left.meets(cannot) || !searches(search) {
        return Ok(());
    }
    search.drop_those(Exclusion::Capability, cannot);
    if search.left.is_empty() { Err(refusal::nobody(search).with_retry(Retry::Never)) } else { Ok(()) }
}

/// Deployments that are known not to see images, call tools or answer in a given form, if others are left.
pub(super) fn run(search: &mut Search<'_>) {
    type Needs = fn(&Search<'_>) -> bool;
    let known = &search.group.known;
    let pairs: [(&Mask, Needs); 3] = [
        (&known.no_vision, shows),
        (&known.no_tools, calls),
        (&known.no_schema, |search| any(field(search, "response_format"), &["json_schema"])),
    ];
    for (cannot, needs) in pairs {
        if search.left.meets(cannot) && !search.left.is_within(cannot) && needs(search) {
            search.drop_those(Exclusion::Capability, cannot);
        }
    }
}

/// Whether a request shows images. As names of types they stand in quotes of their own, which a text's would not be.
fn shows(search: &Search<'_>) -> bool {
    let images = ["\"image_url\"", "\"input_image\"", "\"image\"", "\"inlineData\"", "\"inline_data\""];
    ["messages", "input", "contents"].iter().any(|name| {
        let prompt = field(search, name);
        // Most prompts have nothing of the beginning that they share.
        any(prompt, &["\"i"]) && any(prompt, &images)
    })
}

fn calls(search: &Search<'_>) -> bool {
    !field(search, "tools").is_empty() || !field(search, "functions").is_empty()
}
