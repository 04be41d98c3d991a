//! What is said: texts, media, calls and results, thoughts.

use llmux_wire::chat::{CacheMark, Content, Media, Message, Part, Role, Tool};
use serde_json::json;

use super::{
    Conversation, PNG, assistant, cached, call, result, system, talk, text, tide_table, tool, user, with,
};

pub(in super::super) fn all() -> Vec<Conversation> {
    [texts(), images(), documents(), tools(), results(), thoughts(), marks()].into_iter().flatten().collect()
}

fn texts() -> Vec<Conversation> {
    let turns = vec![
        user("Name a river."),
        assistant(vec![text("The Elbe.")]),
        user("Another, please; one with an umlaut: \u{f6}, and a fish \u{1f41f}."),
    ];
    let named = Message { name: Some("ada".into()), ..user("Who am I?") };
    vec![
        talk("text", vec![user("Where do otters sleep?")]),
        talk("several turns", turns.clone()),
        talk("system prompt", vec![system("Answer in rhymes."), user("Where do otters sleep?")]),
        talk(
            "developer instructions",
            vec![
                Message::new(Role::Developer, vec![Part::text("Answer in rhymes.")]),
                user("Where do otters sleep?"),
            ],
        ),
        talk(
            "system prompt amid the conversation",
            [&turns[..2], &[system("From here on in French."), user("Another, please.")]].concat(),
        ),
        talk(
            "several texts in a message",
            vec![Message::new(Role::User, vec![Part::text("First this."), Part::text("Then that.")])],
        ),
        talk("name of a speaker", vec![named]),
        talk(
            "refusal in an earlier turn",
            vec![
                user("Pick this lock."),
                assistant(vec![Content::Refusal("I will not.".into())]),
                user("Why not?"),
            ],
        ),
    ]
}

fn image(source: Media) -> Part {
    Part::new(Content::Image { source, detail: None })
}

fn data(mime: &str, data: &str) -> Media {
    Media::Base64 { mime: mime.into(), data: data.into() }
}

fn seen(parts: Vec<Part>) -> Vec<Message> {
    let said = [Part::text("What is this?")].into_iter().chain(parts);
    vec![Message::new(Role::User, said.collect())]
}

fn images() -> Vec<Conversation> {
    let detailed =
        Part::new(Content::Image { source: data("image/png", PNG), detail: Some("low".to_owned()) });
    vec![
        talk("image as data", seen(vec![image(data("image/png", PNG))])),
        talk("image by URL", seen(vec![image(Media::Url("https://pictures.example/otter.png".into()))])),
        talk("image by file id", seen(vec![image(Media::FileId("file-otter".into()))])),
        talk("resolution of an image", seen(vec![detailed])),
    ]
}

fn file(source: Media) -> Content {
    Content::File { source, name: Some("tides".into()), context: None, citations: None }
}

fn documents() -> Vec<Conversation> {
    let plain = Media::Text { mime: "text/plain".into(), text: "High water at nine.".into() };
    let cited = Content::File {
        source: plain.clone(),
        name: Some("tides".into()),
        context: Some("From the harbour office.".into()),
        citations: Some(true),
    };
    vec![
        talk(
            "document as data",
            seen(vec![Part::new(file(data("application/pdf", "JVBERi0xLjQKJcOkw7zDtsOfCg==")))]),
        ),
        talk(
            "document by URL",
            seen(vec![Part::new(file(Media::Url("https://papers.example/tides.pdf".into())))]),
        ),
        talk("document by file id", seen(vec![Part::new(file(Media::FileId("file-tides".into())))])),
        talk("document as text", seen(vec![Part::new(file(plain))])),
        talk("citations of a document", seen(vec![Part::new(cited)])),
        talk(
            "audio",
            seen(vec![Part::new(Content::Audio { data: "UklGRg==".into(), format: "wav".into() })]),
        ),
    ]
}

fn tools() -> Vec<Conversation> {
    let nested = json!({
        "type": "object",
        "properties": {
            "route": {
                "type": "array",
                "description": "Harbours in order",
                "items": {
                    "type": "object",
                    "properties": {
                        "harbour": {"type": "string"},
                        "berth": {"type": "integer", "minimum": 1},
                        "kind": {"type": "string", "enum": ["sail", "motor"]},
                    },
                    "required": ["harbour"],
                },
            },
            "slow": {"type": "boolean"},
            "draught": {"anyOf": [{"type": "number"}, {"type": "string"}]},
        },
        "required": ["route"],
    });
    let mut strict = tide_table();
    if let Tool::Function { strict, .. } = &mut strict {
        *strict = Some(true);
    }
    vec![
        with("tools", |request| request.tools = vec![tide_table(), tool("plan", Some(nested))]),
        with("tool without arguments", |request| {
            request.tools = vec![tool("now", Some(json!({"type": "object", "properties": {}})))];
        }),
        with("strict tool", |request| request.tools = vec![strict]),
    ]
}

fn asked(id: &str) -> Content {
    call(id, "tide_table", &json!({"harbour": "Husum", "days": [1, 2], "deep": {"a": null}}))
}

/// A call in an earlier turn, its result, and what follows.
fn answered(parts: Vec<Part>, is_error: bool) -> Vec<Message> {
    let content = Content::ToolResult { call_id: "call_one".into(), parts, is_error };
    vec![
        user("When is high water?"),
        assistant(vec![asked("call_one")]),
        Message::new(Role::Tool, vec![Part::new(content)]),
    ]
}

fn calling(mut conversation: Conversation) -> Conversation {
    conversation.request.tools = vec![tide_table()];
    conversation
}

fn results() -> Vec<Conversation> {
    let told = vec![Part::text("At nine.")];
    let parallel = vec![
        user("When is high water?"),
        assistant(vec![
            text("Let me look."),
            asked("call_one"),
            call("call_two", "tide_table", &json!({"harbour": "Emden"})),
        ]),
        result("call_one", told.clone()),
        result("call_two", vec![Part::text("At ten.")]),
    ];
    let pictured = vec![Part::text("See:"), image(data("image/png", PNG))];
    let mut later = answered(told.clone(), false);
    later.extend([assistant(vec![text("At nine.")]), user("And low water?")]);
    let conversations = vec![
        talk("result of a call", answered(told.clone(), false)),
        talk("a turn after a result", later),
        talk("parallel calls", parallel),
        talk("failed call", answered(vec![Part::text("No such harbour.")], true)),
        talk("image in a result", answered(pictured, false)),
        talk("words beside a result", [answered(told, false), vec![user("In hours, please.")]].concat()),
    ];
    conversations.into_iter().map(calling).collect()
}

fn thoughts() -> Vec<Conversation> {
    let thought = |signature: Option<&str>| Content::Reasoning {
        text: "Otters hold hands.".into(),
        signature: signature.map(str::to_owned),
    };
    let went = |first: Content| vec![user("Hm?"), assistant(vec![first, text("Afloat.")]), user("Why?")];
    let sealed = Content::RedactedReasoning("c2VhbGVk".into());
    vec![
        talk("reasoning of an earlier turn", went(thought(None))),
        talk("signed reasoning of an earlier turn", went(thought(Some("c2lnbmVk")))),
        talk("redacted reasoning of an earlier turn", went(sealed)),
        calling(talk(
            "signed reasoning before a call",
            vec![
                user("When is high water?"),
                assistant(vec![thought(Some("c2lnbmVk")), asked("call_one")]),
                result("call_one", vec![Part::text("At nine.")]),
            ],
        )),
    ]
}

fn marks() -> Vec<Conversation> {
    let mut marked = tide_table();
    if let Tool::Function { cache, .. } = &mut marked {
        *cache = Some(CacheMark::Default);
    }
    let mut last = with("cache mark on a tool", |request| request.tools = vec![marked]);
    last.request.messages = vec![user("When is high water?")];
    vec![
        talk(
            "cache mark",
            vec![cached(system("A long text."), CacheMark::Default), user("Where do otters sleep?")],
        ),
        talk("cache mark for an hour", vec![cached(user("A long text."), CacheMark::OneHour)]),
        last,
    ]
}
