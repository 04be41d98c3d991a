//! Documents ranked by how well they answer a query.
//!
//! Clients ask and are answered in Cohere's form, as LiteLLM serves it. Providers have forms of their own; their answers
//! differ in names only and are read by one reader.

use bytes::Bytes;
use llmux_core::{Error, ErrorKind, Result, Usage};
use serde_json::{Map, Number, Value, json};

use crate::json::read::{Item, Object};

/// A request to rank documents.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RerankRequest {
    /// The model asked for.
    pub model: String,
    /// What is looked for.
    pub query: String,
    /// The documents: texts, or objects with a `text` and other fields.
    pub documents: Vec<Value>,
    /// How many of the best are wanted; all, if it is not said.
    pub top_n: Option<u64>,
    /// Whether the documents are wanted back with their ranks.
    pub return_documents: bool,
    /// The other fields of the request.
    pub extra: Map<String, Value>,
}

/// Documents in the order of their rank.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Ranking {
    /// The provider's identifier of the answer; empty if it has none.
    pub id: String,
    /// The documents that were ranked, the best first.
    pub results: Vec<Ranked>,
    /// What was consumed, where the provider says so.
    pub usage: Option<Usage>,
}

/// One document of a ranking.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ranked {
    /// Its place in the request.
    pub index: u64,
    /// How well it answers the query; only the order means something across models.
    pub score: Number,
}

impl Ranked {
    /// A document at this place of the request, with its score.
    #[must_use]
    pub fn new(index: u64, score: Number) -> Self {
        Self { index, score }
    }
}

impl Ranking {
    /// A ranking that says what it cost.
    #[must_use]
    pub fn new(results: Vec<Ranked>, usage: Usage) -> Self {
        Self { id: String::new(), results, usage: Some(usage) }
    }
}

/// How a provider wants to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RerankForm {
    /// As Cohere's version 2 does: texts only, and `top_n`.
    Cohere,
    /// As Jina, Together, vLLM, llama.cpp and Infinity do: `top_n` and `return_documents`.
    Jina,
    /// As Voyage does: texts only, and `top_k`.
    Voyage,
    /// As Hugging Face's text embeddings inference does: `texts`, and no model.
    Tei,
    /// As `Rerank` of Amazon Bedrock's agent runtime does; the model is told by its ARN.
    Bedrock,
    /// As `rankingConfigs.rank` of Google's Discovery Engine does: records, whose ids are their places.
    Google,
}

/// Documents that one query of Bedrock's and Google's ranks: more count as further queries, by the price lists of both.
const DOCUMENTS_PER_QUERY: usize = 100;

/// Reads a request.
///
/// # Errors
/// A 400 that names line and column of malformed JSON, the missing field, or the field with a wrong type.
pub fn read_rerank_request(body: &[u8]) -> Result<RerankRequest> {
    let mut object = Object::parse(body)?;
    let model = object.need_string("model")?;
    let query = object.need_string("query")?;
    let documents =
        object.need("documents")?.list()?.into_iter().map(read_document).collect::<Result<_>>()?;
    Ok(RerankRequest {
        model,
        query,
        documents,
        top_n: object.count("top_n")?,
        return_documents: object.bool("return_documents")?.unwrap_or_default(),
        extra: object.rest(),
    })
}

fn read_document(item: Item) -> Result<Value> {
    match item.value {
        Value::String(_) | Value::Object(_) => Ok(item.value),
        _ => Err(item.wrong("a string or an object")),
    }
}

impl RerankRequest {
    /// Whether Cohere itself takes the request as it is: texts that are not wanted back.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !self.return_documents
            && self.documents.iter().all(Value::is_string)
            && !self.extra.contains_key("rank_fields")
    }

    /// What providers that tell no usage bill for: queries of up to a hundred documents.
    #[must_use]
    pub fn queries(&self) -> Usage {
        let mut usage = Usage::default();
        usage.queries = self.documents.len().div_ceil(DOCUMENTS_PER_QUERY).max(1) as u64;
        usage
    }

    /// The words of each document: of one with fields, those that `rank_fields` names, else its `text`, else all.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let fields = self.extra.get("rank_fields").and_then(Value::as_array);
        let text = |document: &Value| match document {
            Value::String(text) => text.clone(),
            other => fields.map_or_else(|| words(other), |fields| chosen(other, fields)),
        };
        self.documents.iter().map(text).collect()
    }
}

fn words(document: &Value) -> String {
    document.get("text").and_then(Value::as_str).map_or_else(|| document.to_string(), str::to_owned)
}

/// The chosen fields, a line each.
fn chosen(document: &Value, fields: &[Value]) -> String {
    let lines = fields.iter().filter_map(|name| {
        let name = name.as_str()?;
        let value = document.get(name)?;
        Some(format!("{name}: {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Writes a request for `model`. Fields of the provider's own go along.
#[must_use]
pub fn write_rerank_request(request: &RerankRequest, model: &str, form: RerankForm) -> Bytes {
    let mut out = match form {
        RerankForm::Bedrock => return write_for_bedrock(request, model),
        RerankForm::Google => return write_for_google(request, model),
        _ => Map::new(),
    };
    if form != RerankForm::Tei {
        out.insert("model".into(), model.into());
    }
    out.insert("query".into(), request.query.as_str().into());
    let documents = if form == RerankForm::Tei { "texts" } else { "documents" };
    out.insert(documents.into(), request.texts().into());
    let top = match form {
        RerankForm::Cohere | RerankForm::Jina => Some("top_n"),
        RerankForm::Voyage => Some("top_k"),
        _ => None,
    };
    out.extend(top.zip(request.top_n).map(|(name, count)| (name.to_owned(), count.into())));
    if form == RerankForm::Jina {
        // Documents are put back from the request: hosts return them in different forms, or not at all.
        out.insert("return_documents".into(), false.into());
    }
    out.extend(own(request));
    Value::Object(out).to_string().into()
}

/// Fields that only the provider knows.
fn own(request: &RerankRequest) -> impl Iterator<Item = (String, Value)> {
    let own = request.extra.iter().filter(|(name, _)| !["rank_fields", "user"].contains(&name.as_str()));
    own.map(|(name, value)| (name.clone(), value.clone()))
}

/// Fields that only the model knows have a place of their own.
fn write_for_bedrock(request: &RerankRequest, arn: &str) -> Bytes {
    let source = |text: String| json!({ "type": "INLINE", "inlineDocumentSource": { "type": "TEXT", "textDocument": { "text": text } } });
    let mut model = Map::new();
    model.insert("modelArn".into(), arn.into());
    let own: Map<_, _> = own(request).collect();
    if !own.is_empty() {
        model.insert("additionalModelRequestFields".into(), own.into());
    }
    let mut how = Map::new();
    how.insert("modelConfiguration".into(), model.into());
    // More than there are documents is refused.
    let top = request.top_n.map(|count| count.min(request.documents.len() as u64));
    how.extend(top.map(|count| ("numberOfResults".to_owned(), count.into())));
    let body = json!({
        "queries": [{ "type": "TEXT", "textQuery": { "text": request.query } }],
        "sources": request.texts().into_iter().map(source).collect::<Vec<_>>(),
        "rerankingConfiguration": {
            "type": "BEDROCK_RERANKING_MODEL",
            "bedrockRerankingConfiguration": how,
        },
    });
    body.to_string().into()
}

fn write_for_google(request: &RerankRequest, model: &str) -> Bytes {
    let record = |(at, (text, document)): (usize, (String, &Value))| {
        let mut record = Map::new();
        record.insert("id".into(), at.to_string().into());
        record.extend(document.get("title").map(|title| ("title".to_owned(), title.clone())));
        record.insert("content".into(), text.into());
        Value::Object(record)
    };
    let records = request.texts().into_iter().zip(&request.documents).enumerate().map(record);
    let mut out = Map::new();
    out.insert("model".into(), model.into());
    out.insert("query".into(), request.query.as_str().into());
    out.insert("records".into(), records.collect());
    out.extend(request.top_n.map(|count| ("topN".to_owned(), count.into())));
    out.extend(own(request));
    Value::Object(out).to_string().into()
}

/// Reads a ranking, whoever made it.
///
/// # Errors
/// [`ErrorKind::BadReply`] when the body holds none.
pub fn read_ranking(body: &[u8]) -> Result<Ranking> {
    let value: Value = serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))?;
    let named = ["results", "data", "records"].iter().find_map(|name| value.get(name)?.as_array());
    // A bare list of nothing is no ranking of anything.
    let bare = || value.as_array().filter(|list| !list.is_empty());
    let results = named.or_else(bare).ok_or_else(|| bad("it holds no results"))?;
    let results = results.iter().map(|result| {
        if let Some(id) = result.get("id").and_then(Value::as_str) {
            // Google's records may come without scores: then their order says everything.
            let score = result.get("score").and_then(Value::as_number).cloned();
            return Some(Ranked { index: id.parse().ok()?, score: score.unwrap_or_else(|| 0.into()) });
        }
        let score =
            ["relevance_score", "score", "relevanceScore"].iter().find_map(|name| result.get(name))?;
        Some(Ranked { index: result.get("index")?.as_u64()?, score: score.as_number()?.clone() })
    });
    Ok(Ranking {
        id: value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(),
        results: results.collect::<Option<_>>().ok_or_else(|| bad("a result has no index or score"))?,
        usage: read_usage(&value),
    })
}

fn bad(detail: &str) -> Error {
    Error::upstream(ErrorKind::BadReply, format!("the provider's answer is no ranking: {detail}"))
}

/// What a ranking cost: search units, else tokens.
fn read_usage(value: &Value) -> Option<Usage> {
    let figure = |path: &str| {
        let number = value.pointer(path)?;
        number.as_u64().or_else(|| number.as_f64().map(|number| number as u64))
    };
    let mut usage = Usage::default();
    if let Some(units) = figure("/meta/billed_units/search_units") {
        usage.queries = units;
        return Some(usage);
    }
    let tokens = ["/usage/prompt_tokens", "/usage/total_tokens", "/meta/billed_units/input_tokens"];
    usage.input = tokens.into_iter().find_map(figure)?;
    Some(usage)
}

/// Writes the answer to `request`. `created` (seconds since 1970) makes the identifier where the provider gave none.
#[must_use]
pub fn write_ranking(request: &RerankRequest, ranking: &Ranking, created: u64) -> Bytes {
    let wanted = request.top_n.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
    let result = |ranked: &Ranked| {
        let mut out = Map::new();
        out.insert("index".into(), ranked.index.into());
        out.insert("relevance_score".into(), ranked.score.clone().into());
        if request.return_documents {
            let at = usize::try_from(ranked.index).unwrap_or(usize::MAX);
            out.extend(request.documents.get(at).map(|document| ("document".to_owned(), returned(document))));
        }
        Value::Object(out)
    };
    let results: Vec<_> = ranking.results.iter().take(wanted).map(result).collect();
    let id = if ranking.id.is_empty() { format!("rerank-{created}") } else { ranking.id.clone() };
    let mut meta = json!({ "api_version": { "version": "2" } });
    if let (Some(usage), Some(meta)) = (&ranking.usage, meta.as_object_mut()) {
        if usage.queries > 0 {
            meta.insert("billed_units".into(), json!({ "search_units": usage.queries }));
        } else {
            // LiteLLM's form for models that are billed by tokens.
            meta.insert("billed_units".into(), json!({ "total_tokens": usage.total() }));
            meta.insert("tokens".into(), json!({ "input_tokens": usage.prompt_total(), "output_tokens": 0 }));
        }
    }
    json!({ "id": id, "results": results, "meta": meta }).to_string().into()
}

/// A document as answers have it.
fn returned(document: &Value) -> Value {
    if document.is_string() { json!({ "text": document }) } else { document.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(more: Value) -> RerankRequest {
        let mut body = json!({"model": "m", "query": "q", "documents": ["a", {"text": "b", "title": "t"}]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read_rerank_request(body.to_string().as_bytes()).unwrap()
    }

    fn written(request: &RerankRequest, form: RerankForm) -> Value {
        serde_json::from_slice(&write_rerank_request(request, "n", form)).unwrap()
    }

    #[test]
    fn each_provider_is_asked_in_its_form() {
        let request = request(json!({"top_n": 2, "truncation": true}));
        let cohere =
            json!({"model": "n", "query": "q", "documents": ["a", "b"], "top_n": 2, "truncation": true});
        assert_eq!(written(&request, RerankForm::Cohere), cohere);
        assert_eq!(written(&request, RerankForm::Jina)["return_documents"], false);
        assert_eq!(written(&request, RerankForm::Voyage)["top_k"], 2);
        let tei = json!({"query": "q", "texts": ["a", "b"], "truncation": true});
        assert_eq!(written(&request, RerankForm::Tei), tei);
    }

    #[test]
    fn clouds_are_asked_in_forms_of_their_own() {
        let request = request(json!({"top_n": 9, "max_tokens_per_doc": 5}));
        let bedrock = written(&request, RerankForm::Bedrock);
        let how = &bedrock["rerankingConfiguration"]["bedrockRerankingConfiguration"];
        assert_eq!(how["numberOfResults"], 2, "no more than there are");
        let model = json!({"modelArn": "n", "additionalModelRequestFields": {"max_tokens_per_doc": 5}});
        assert_eq!(how["modelConfiguration"], model);
        assert_eq!(bedrock["queries"][0]["textQuery"]["text"], "q");
        assert_eq!(bedrock["sources"][1]["inlineDocumentSource"]["textDocument"]["text"], "b");
        let google = written(&request, RerankForm::Google);
        let records = json!([{"id": "0", "content": "a"}, {"id": "1", "title": "t", "content": "b"}]);
        assert_eq!((&google["records"], &google["topN"]), (&records, &json!(9)));
    }

    #[test]
    fn a_hundred_documents_are_a_query() {
        let queries = |count| {
            let mut request = request(json!({}));
            request.documents = vec!["d".into(); count];
            request.queries().queries
        };
        assert_eq!([0, 1, 100, 101].map(queries), [1, 1, 1, 2]);
    }

    #[test]
    fn fields_to_rank_by_are_made_text() {
        let request = request(json!({"rank_fields": ["title", "text"]}));
        assert_eq!(request.texts(), ["a", "title: t\ntext: b"]);
        assert!(!request.is_plain());
    }

    #[test]
    fn every_form_of_answer_is_read() {
        for body in [
            json!({"id": "x", "results": [{"index": 1, "relevance_score": 0.5}]}),
            json!({"data": [{"index": 1, "relevance_score": 0.5}], "usage": {"total_tokens": 7}}),
            json!([{"index": 1, "score": 0.5}]),
            json!({"results": [{"index": 1, "relevanceScore": 0.5}]}),
            json!({"records": [{"id": "1", "score": 0.5, "content": "b"}]}),
        ] {
            let ranking = read_ranking(body.to_string().as_bytes()).unwrap();
            assert_eq!(ranking.results, [Ranked::new(1, Number::from_f64(0.5).unwrap())], "{body}");
        }
        for body in [json!({"x": 1}), json!({"results": [{"index": 1}]}), json!(null)] {
            let error = read_ranking(body.to_string().as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadReply, "{body}");
        }
    }

    #[test]
    fn documents_come_back_only_where_they_are_wanted_and_no_more_than_asked_for() {
        let ranked = |index| Ranked::new(index, 1.into());
        let mut usage = Usage::default();
        usage.queries = 3;
        let ranking = Ranking::new(vec![ranked(1), ranked(0)], usage);
        let answer = |request: &RerankRequest| {
            serde_json::from_slice::<Value>(&write_ranking(request, &ranking, 9)).unwrap()
        };
        let plain = answer(&request(json!({})));
        let meta = json!({"api_version": {"version": "2"}, "billed_units": {"search_units": 3}});
        let results = json!([{"index": 1, "relevance_score": 1}, {"index": 0, "relevance_score": 1}]);
        assert_eq!(plain, json!({"id": "rerank-9", "results": results, "meta": meta}));
        let best = answer(&request(json!({"top_n": 1, "return_documents": true})));
        let document = json!({"text": "b", "title": "t"});
        assert_eq!(best["results"], json!([{"index": 1, "relevance_score": 1, "document": document}]));
    }
}
