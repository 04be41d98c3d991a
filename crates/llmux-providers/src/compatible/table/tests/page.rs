//! `docs/providers.md` is written from the table, so it can't say anything else.

use std::fmt::Write as _;
use std::path::Path;

use super::super::{
    Auth, Host, MaxTokens, Quirks, ReasoningControl, ReasoningField, Structured, ToolChoice, UsageInStream,
    groups, hosts,
};

const INTRODUCTION: &str = "\
# OpenAI-compatible providers

This page is made from the table in `crates/llmux-providers/src/compatible/table`; change that, run the tests of
`llmux-providers`, and commit the page they write.

A model is named by its host's prefix and the host's own name for it: `groq/llama-3.3-70b-versatile`. The key
and the base URL come from `api_key` and `api_base` of the model's configuration; where those are absent, from
the environment variables listed here, the first that is set. A base URL with a part in braces needs one more
variable, named beside it. A host that is not listed works too: `openai_like/MODEL` with an `api_base`, or
`custom_openai/MODEL` if it takes everything that OpenAI itself takes. Azure and Vertex AI have
[a page of their own](clouds.md).
";

const HEADING: &str = "\
| Prefix | Host | Base URL | Key | Other base URL | Besides chat |
| --- | --- | --- | --- | --- | --- |
";

const DIFFERENCES: &str = "\
## What is different where

What LLMux knows to be unlike OpenAI's own API, and evens out. A parameter that a host does not carry is answered
with a 400 that names it, or left out when `drop_params` is set. A host that is not in this list is taken to be
like most: it takes `max_tokens`, has no `developer` role, and gives reasoning as `reasoning_content`.

| Host | Differences |
| --- | --- |
";

#[test]
fn the_page_of_providers_says_what_the_table_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/providers.md");
    let current = std::fs::read_to_string(&page).unwrap_or_default();
    let expected = render();
    if current != expected {
        std::fs::write(&page, expected).unwrap();
        panic!("docs/providers.md was out of date and has been written anew: commit it");
    }
}

fn render() -> String {
    let mut page = String::from(INTRODUCTION);
    for group in groups() {
        write!(page, "\n## {}\n\n{HEADING}", group.title).unwrap();
        for host in group.hosts {
            page.push_str(&row(host));
        }
    }
    write!(page, "\n{DIFFERENCES}").unwrap();
    let mut differing: Vec<_> = hosts().filter(|host| host.quirks != Quirks::DEFAULT).collect();
    differing.sort_by_key(|host| host.name);
    for host in differing {
        writeln!(page, "| `{}` | {} |", host.name, differences(&host.quirks).join("; ")).unwrap();
    }
    page
}

fn row(host: &Host) -> String {
    let names: Vec<_> = [host.name].into_iter().chain(host.aliases.iter().copied()).collect();
    let variables: Vec<_> = host.variables.iter().flat_map(|variable| variable.env).copied().collect();
    let base = match host.base_url {
        None => "*to be configured*".to_owned(),
        Some(url) if variables.is_empty() => format!("`{url}`"),
        Some(url) => format!("`{url}` with {}", code(&variables)),
    };
    let key = match host.auth {
        Auth::Bearer => code(host.key_env),
        Auth::OptionalBearer => format!("{} (optional)", code(host.key_env)),
        Auth::Header(name) => format!("{} in header `{name}`", code(host.key_env)),
    };
    let operations = [
        ("completions", host.paths.completions),
        ("embeddings", host.paths.embeddings),
        ("responses", host.paths.responses),
        ("rankings", host.paths.rerank.map(|(path, _)| path)),
    ];
    let operations = operations.iter().filter(|(_, path)| path.is_some()).map(|(name, _)| *name);
    let media = host.paths.media.offered().map(|(operation, _)| operation.as_str());
    let operations: Vec<_> = operations.chain(media).collect();
    format!(
        "| {} | {} | {base} | {key} | {} | {} |\n",
        code(&names),
        host.title,
        code(host.base_env),
        operations.join(", ")
    )
}

fn code(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// What of `quirks` is not as usual, in words. The pattern names every field, so that a new quirk is not
/// forgotten here.
fn differences(quirks: &Quirks) -> Vec<String> {
    let usual = Quirks::DEFAULT;
    let Quirks {
        max_tokens,
        stream_options,
        usage_in_stream,
        developer_role,
        message_name,
        many_choices,
        reasoning,
        replay_reasoning,
        reasoning_control,
        tool_choice,
        required_tool_choice,
        parallel_tool_calls,
        strict_tools,
        structured,
        content_as_string,
        unsupported,
        renames,
        embedding_renames,
        model_prefix,
    } = *quirks;
    let mut said = Vec::new();
    let mut say = |differs: bool, words: String| {
        if differs {
            said.push(words);
        }
    };
    say(max_tokens != usual.max_tokens, max_tokens_in_words(max_tokens).to_owned());
    say(!stream_options, "no `stream_options`".to_owned());
    say(usage_in_stream != usual.usage_in_stream, usage_in_words(usage_in_stream).to_owned());
    say(developer_role, "takes the `developer` role".to_owned());
    say(!message_name, "no `name` in messages".to_owned());
    say(!many_choices, "no `n` above 1".to_owned());
    say(reasoning != usual.reasoning, reasoning_in_words(reasoning).to_owned());
    say(replay_reasoning, "wants earlier reasoning back".to_owned());
    say(reasoning_control != usual.reasoning_control, control_in_words(reasoning_control).to_owned());
    say(tool_choice != usual.tool_choice, tool_choice_in_words(tool_choice).to_owned());
    say(
        required_tool_choice != usual.required_tool_choice,
        format!("calls a forced choice `{required_tool_choice}`"),
    );
    say(!parallel_tool_calls, "no `parallel_tool_calls`".to_owned());
    say(!strict_tools, "no `strict` in tools".to_owned());
    say(structured != usual.structured, structured_in_words(structured).to_owned());
    say(content_as_string, "takes text content as a string only".to_owned());
    say(!unsupported.is_empty(), format!("does not carry {}", code(unsupported)));
    for (from, to) in renames.iter().chain(embedding_renames) {
        say(true, format!("`{from}` is `{to}`"));
    }
    say(!model_prefix.is_empty(), format!("short model names lie under `{model_prefix}`"));
    said
}

fn max_tokens_in_words(quirk: MaxTokens) -> &'static str {
    match quirk {
        MaxTokens::Either => "takes `max_completion_tokens` too",
        MaxTokens::OldOnly => "`max_tokens` only",
        MaxTokens::NewOnly => "`max_completion_tokens` only",
    }
}

fn usage_in_words(quirk: UsageInStream) -> &'static str {
    match quirk {
        UsageInStream::FinalChunk => "streams usage last",
        UsageInStream::LastChoiceChunk => "streams usage with the finish reason",
        UsageInStream::EveryChunk => "streams usage in every chunk",
        UsageInStream::XGroq => "streams usage in `x_groq`",
    }
}

fn reasoning_in_words(quirk: ReasoningField) -> &'static str {
    match quirk {
        ReasoningField::ReasoningContent => "reasoning in `reasoning_content`",
        ReasoningField::Reasoning => "reasoning in `reasoning`",
        ReasoningField::ReasoningDetails => "reasoning in `reasoning_details`",
        ReasoningField::ThinkTags => "reasoning in `<think>` tags",
        ReasoningField::ContentParts => "reasoning in content parts",
        ReasoningField::ThinkingBlocks => "reasoning in `thinking_blocks`",
        ReasoningField::None => "shows no reasoning",
    }
}

fn control_in_words(quirk: ReasoningControl) -> &'static str {
    match quirk {
        ReasoningControl::Effort => "takes `reasoning_effort`",
        ReasoningControl::Thinking => "takes `thinking`, on or off",
        ReasoningControl::EnableThinking => "takes `enable_thinking` and a budget",
        ReasoningControl::ReasoningObject => "takes `reasoning.effort`",
        ReasoningControl::None => "takes no word on reasoning",
    }
}

fn tool_choice_in_words(quirk: ToolChoice) -> &'static str {
    match quirk {
        ToolChoice::Full => "takes every `tool_choice`",
        ToolChoice::Words => "can force a tool, but not a named one",
        ToolChoice::AutoOnly => "can't force tools",
    }
}

fn structured_in_words(quirk: Structured) -> &'static str {
    match quirk {
        Structured::JsonSchema => "takes `json_schema` and `json_object`",
        Structured::SchemaOnly => "`json_schema`, but not `json_object`",
        Structured::JsonObject => "`json_object`, but not `json_schema`",
        Structured::None => "no `response_format`",
    }
}
