//! `docs/replay.md` is written from the table of exceptions, so it can't say anything else.

use std::{fmt::Write as _, path::Path};

use super::table::{Check, EXCEPTIONS};

const INTRODUCTION: &str = "\
# Replay of recorded traffic

The tests of `llmux-providers` replay recordings of real providers through the providers as they are registered:
OpenAI, Anthropic, Gemini, Bedrock, Cohere, Azure, Vertex AI and every OpenAI-compatible host among them. They lie beside the
checkout, in `../shared/fixtures`, or where `LLMUX_FIXTURES` points; without them the tests say that they were
skipped. A new recording is a new folder there and needs no code.

Each recording is put through every check that applies to it:

- a client of the provider's own dialect gets the answer byte by byte; of a stream, usage it did not ask for is
  all that is missing;
- a client of each other dialect is told the same as the recording's facts say: text, reasoning, calls, finish
  reason, tokens; so is one of OpenAI's text completions. Readers of the tests' own judge that;
- a stream says the same however its bytes are split, and keeps the rules of readers that break off, end early or
  fail;
- recorded responses pass through OpenAI byte by byte, with their usage reported; a client of the Responses API is
  told of a recorded chat what its facts say, in events whose order and sums are checked;
- the provider gets the request that was recorded, from an OpenAI-style request that means the same;
- a refusal keeps its status, message and code in both dialects;
- what goes out is what the published schemas of OpenAI, Anthropic and Cohere say.

Bedrock's embeddings, counts and bodies of `invoke`, whose form depends on the model, are replayed in
`crates/llmux-providers/tests/it/bedrock.rs`. Rankings, and the vectors of Voyage, are
replayed in `crates/llmux-providers/tests/it/retrieval.rs`. Transcripts of hosts with
forms of their own, through as many exchanges as they take, are replayed in
`crates/llmux-providers/tests/it/media.rs`. Recordings of files and of what else LLMux does not have are not replayed.

What does not pass is listed here, with the reason. A recording may fail in the way that its row says and in no
other, and a row that nothing needs any more fails the tests.

This page is made from the table in `crates/llmux-providers/tests/it/exceptions/table.rs`; change that, run the
tests, and commit the page they write.
";

/// The checks in the order of the page, with their headings.
const SECTIONS: &[(Check, &str)] = &[
    (Check::Passed, "Answers in the provider's dialect"),
    (Check::Translated, "Answers in the other dialects"),
    (Check::Completed, "Answers to text completions"),
    (Check::Rules, "Rules of readers"),
    (Check::Request, "Requests as they were recorded"),
    (Check::ToOpenAi, "Requests of clients, to OpenAI"),
    (Check::ToAnthropic, "Requests of clients, to Anthropic"),
    (Check::PassedResponse, "Responses through OpenAI"),
    (Check::TranslatedResponse, "Chats as responses"),
    (Check::ResponseRules, "Rules of readers for responses"),
    (Check::ResponseRequest, "Requests for responses, to chat providers"),
    (Check::ResponseToMessages, "Requests for responses, to Anthropic, against the schema"),
    (Check::ResponseSpecification, "Chats as responses against the schema"),
    (Check::Failure, "Refusals"),
    (Check::Specification, "Translated answers and errors against the schemas"),
    (Check::PassedSpecification, "Passed answers against the schemas"),
    (Check::CompletionSpecification, "Text completions against the schema"),
    (Check::RequestSpecification, "Translated requests against the schemas"),
];

#[test]
fn the_page_of_the_replay_says_what_the_table_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/replay.md");
    let expected = render();
    if std::fs::read_to_string(&page).unwrap_or_default() != expected {
        std::fs::write(&page, expected).unwrap();
        panic!("docs/replay.md was out of date and has been written anew: commit it");
    }
}

fn render() -> String {
    let mut page = String::from(INTRODUCTION);
    assert!(EXCEPTIONS.iter().all(|row| SECTIONS.iter().any(|(check, _)| *check == row.check)));
    for (check, title) in SECTIONS {
        write!(page, "\n## {title}\n\n").unwrap();
        let rows: Vec<_> = EXCEPTIONS.iter().filter(|row| row.check == *check).collect();
        if rows.is_empty() {
            page.push_str("Everything passes.\n");
            continue;
        }
        page.push_str("| Recordings | Differ in | Because |\n| --- | --- | --- |\n");
        for row in rows {
            let (cases, says) = (names(row.cases, true), names(row.says, false));
            writeln!(page, "| {cases} | {says} | {} |", row.reason).unwrap();
        }
    }
    page
}

/// A list of names in code type. What is only the beginning of names ends in `*`.
fn names(names: &[&str], beginnings: bool) -> String {
    let end = if beginnings { "*" } else { "" };
    let names: Vec<_> =
        names.iter().map(|name| format!("``{}{end}``", name.trim_end()).replace('|', "\\|")).collect();
    names.join(", ").replace("``", "`")
}
