//! `docs/features.md` is written from what the tests found, so it can't say anything else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};

use super::{
    CLIENTS, corpus, families,
    losses::{Fate, Outcome, Verdict, reason},
};

const INTRODUCTION: &str = "\
# What crosses from which client to which provider

For each client's dialect: what becomes of each feature on its way to each kind of provider and back. It is found by a
test that sends neutral conversations and answers through every pair, whole and streamed, and reads back what arrives
(`crates/llmux-providers/tests/it/cross.rs`); with `LLMUX_BLESS=1` the test writes this page.

| Word | Means |
| --- | --- |
| passed | both sides speak the same dialect, and the bytes stay as they are |
| yes | translated; all of it arrives |
| changed | translated; it arrives in another form, or in part: the note says how |
| left out | it does not arrive; the answer comes all the same |
| refused | the client gets a 400 that names it; with `drop_params` it is left out, and named in a header |
| – | the client's dialect, or for answers the provider's, has no word for it |

What no table lists was not tested: tools that run at the provider (they pass, and reach no other dialect), grounding,
guardrails, and sound or pictures in answers.

`compatible` stands for all hosts that speak OpenAI's dialect; what one of them cannot do says its row of
`crates/llmux-providers/src/compatible/table`. Azure is as `openai`. Claude at Vertex AI is as `anthropic`. Bedrock
is asked through Converse, and for Claude by Anthropic's clients through `invoke`.
The models are Claude Sonnet 4.5, Gemini 2.5 Flash, Command A Reasoning and gpt-oss: what depends on the model, such
as the form of reasoning, may be otherwise with another one.
";

/// Compares the page with what was found.
pub(super) fn check(verdict: &Verdict) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/features.md");
    let expected = render(verdict);
    if std::fs::read_to_string(&page).unwrap_or_default() == expected {
        return;
    }
    assert!(
        std::env::var_os("LLMUX_BLESS").is_some(),
        "docs/features.md is out of date: run this test with LLMUX_BLESS=1 and commit the page"
    );
    std::fs::write(&page, expected).unwrap();
}

fn render(verdict: &Verdict) -> String {
    let mut page = String::from(INTRODUCTION);
    let asked: Vec<_> = corpus::conversations().iter().map(|conversation| conversation.feature).collect();
    let answered: Vec<_> = corpus::answers().iter().map(|answer| answer.feature).collect();
    let mut notes = Notes::default();
    for client in CLIENTS {
        for (what, features) in [("Requests", &asked), ("Answers", &answered)] {
            write!(page, "\n## {what} of {} clients\n\n", super::neutral::title(client.dialect)).unwrap();
            table(&mut page, client.name, features, verdict, &mut notes);
        }
    }
    page.replace("Answers of", "Answers to") + &notes.render()
}

/// Reasons by number, in the order of their first mention.
#[derive(Default)]
struct Notes(Vec<&'static str>);

impl Notes {
    fn number(&mut self, reason: &'static str) -> usize {
        let at = self.0.iter().position(|known| *known == reason).unwrap_or_else(|| {
            self.0.push(reason);
            self.0.len() - 1
        });
        at + 1
    }

    fn render(&self) -> String {
        let mut text = String::from("\n## Notes\n\n");
        for (at, reason) in self.0.iter().enumerate() {
            writeln!(text, "{}. {reason}", at + 1).unwrap();
        }
        text
    }
}

fn table(
    page: &mut String,
    client: &'static str,
    features: &[&'static str],
    verdict: &Verdict,
    notes: &mut Notes,
) {
    let kinds: Vec<_> = families().iter().map(|family| family.kind).collect();
    let titles: Vec<_> = kinds.iter().map(|kind| kind.replace("openai_like", "compatible")).collect();
    writeln!(page, "| Feature | {} |\n| --- |{}", titles.join(" | "), " --- |".repeat(kinds.len())).unwrap();
    for feature in features {
        let cell = |kind: &&'static str| word(verdict[&(client, *feature, *kind)], notes);
        let cells: Vec<_> = kinds.iter().map(cell).collect();
        writeln!(page, "| {feature} | {} |", cells.join(" | ")).unwrap();
    }
}

fn word(outcome: Outcome, notes: &mut Notes) -> String {
    let word = match outcome.fate {
        Fate::Unsaid => return "–".to_owned(),
        Fate::Whole if outcome.passed => return "passed".to_owned(),
        Fate::Whole => return "yes".to_owned(),
        Fate::Changed => "changed",
        Fate::LeftOut => "left out",
        Fate::Refused => "refused",
    };
    let note = outcome.row.map(|row| format!(" [{}](#notes)", notes.number(reason(row))));
    format!("{word}{}", note.unwrap_or_default())
}

#[test]
fn features_have_names_of_their_own() {
    let mut names = BTreeMap::<&str, usize>::new();
    let asked = corpus::conversations().into_iter().map(|conversation| conversation.feature);
    let answered = corpus::answers().into_iter().map(|answer| answer.feature);
    asked.chain(answered).for_each(|name| *names.entry(name).or_default() += 1);
    let twice: BTreeSet<_> = names.into_iter().filter(|(_, times)| *times > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}
