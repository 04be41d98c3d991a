//! Recorded transcripts as OpenAI's clients get them, through as many exchanges as the provider takes.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use llmux_core::{
    Call, Dialect, Error, ErrorKind, Exchange, FailedReply, FormShape, Operation, Outgoing, Provider, Result,
    Step, StepAnswer,
};
use llmux_testkit::fixtures;
use llmux_wire::json::envelope;
use serde_json::{Value, json};

use crate::recordings;

/// A call with the fields of a form, or of an object.
fn prepare(provider: &dyn Provider, operation: Operation, form: bool, body: &Value) -> Result<Exchange> {
    let bytes = Bytes::from(body.to_string());
    let (fields, headers) = (envelope::read(&bytes).unwrap(), HeaderMap::new());
    let model = body["model"].as_str().unwrap();
    let call = Call::new(operation, Dialect::OpenAi, model, &bytes, &fields, &headers);
    provider.prepare(&call.with_form(form).with_created(7))
}

fn hear(provider: &dyn Provider, fields: &Value) -> Exchange {
    prepare(provider, Operation::Transcription, true, fields).unwrap()
}

/// What was asked, one after the other, with these answers in between, and what the client gets.
fn walk(exchange: Exchange, answers: &[Bytes]) -> Result<(Vec<Request<Bytes>>, Bytes, u64)> {
    let Exchange { outgoing: Outgoing::Send(first), mut reply, steps, .. } = exchange else {
        panic!("the provider is asked")
    };
    let (mut asked, headers) = (vec![first], HeaderMap::new());
    let last = match steps {
        None => answers[0].clone(),
        Some(mut steps) => {
            let mut answers = answers.iter();
            loop {
                let body = answers.next().expect("an answer for each request");
                match steps.next(&StepAnswer::new(StatusCode::OK, &headers, body))? {
                    Step::Ask(asking) => asked.push(asking.request),
                    Step::Last(request) => asked.push(request),
                    Step::Done(body) => break body,
                    _ => panic!("an unknown step"),
                }
            }
        }
    };
    let answer = reply.whole(last)?;
    Ok((asked, answer, reply.report().usage.input_millis))
}

/// The recorded answers of these cases.
fn recorded<const N: usize>(provider: &str, names: [&str; N]) -> Option<Vec<Bytes>> {
    let cases = fixtures::cases_of(&[provider]);
    let find = |name: &str| cases.iter().find(|case| case.name.ends_with(name))?.response.clone();
    (!cases.is_empty()).then(|| names.map(|name| find(name).unwrap()).into())
}

fn text(answer: &[u8]) -> Value {
    serde_json::from_slice(answer).unwrap()
}

fn verbose(model: &str) -> Value {
    json!({"model": model, "response_format": "verbose_json", "timestamp_granularities[]": "word,segment"})
}

fn paths(asked: &[Request<Bytes>]) -> Vec<(Method, String)> {
    asked.iter().map(|request| (request.method().clone(), request.uri().path().to_owned())).collect()
}

#[test]
fn transcripts_that_come_at_once_are_told_in_openais_form() {
    for (provider, model, name, start, seconds) in [
        ("deepgram", "nova-3", "vercel-deepgram-transcription", "galileo was an american", 36_744),
        (
            "elevenlabs",
            "scribe_v1",
            "vercel-elevenlabs-transcription",
            "Hello from the Vercel AI SDK.",
            2_479,
        ),
        ("cartesia", "ink-whisper", "vercel-cartesia-transcription", "Hello from the Vercel AI SDK.", 2_479),
    ] {
        let Some(answers) = recorded(provider, [name]) else { return };
        let bound = recordings::provider(provider);
        let (_, answer, millis) = walk(hear(&*bound, &verbose(model)), &answers).unwrap();
        let told = text(&answer);
        assert!(told["text"].as_str().unwrap().starts_with(start), "{provider}: {told}");
        assert_eq!((millis, &told["task"]), (seconds, &json!("transcribe")), "{provider}");
        assert!(told["words"].as_array().unwrap().len() > 5, "{provider}");
        assert!(told["segments"][0]["end"].as_f64().unwrap() > 0.0, "{provider}");
        let srt = json!({"model": model, "response_format": "srt"});
        let exchange = hear(&*bound, &srt);
        assert_eq!(exchange.content_type, Some("text/plain; charset=utf-8"), "{provider}");
        let (_, answer, _) = walk(exchange, &answers).unwrap();
        assert!(String::from_utf8_lossy(&answer).starts_with("1\n00:00:00,1"), "{provider}");
        let (_, answer, _) = walk(hear(&*bound, &json!({"model": model})), &answers).unwrap();
        assert!(text(&answer)["usage"]["seconds"].is_u64(), "{provider}");
    }
}

#[test]
fn gladias_job_is_uploaded_handed_in_and_looked_at() {
    let names = ["vercel-gladia-upload", "vercel-gladia-initiate", "vercel-gladia-result"];
    let Some(mut answers) = recorded("gladia", names) else { return };
    answers
        .insert(2, Bytes::from_static(br#"{"id":"7b0137fd-5fd6-4d08-b9bf-4cdf9876797d","status":"queued"}"#));
    let provider = recordings::provider("gladia");
    let mut fields = verbose("solaria-1");
    fields["language"] = "en".into();
    fields["diarization"] = "true".into();
    let (asked, answer, millis) = walk(hear(&*provider, &fields), &answers).unwrap();
    let job = "/v2/pre-recorded/7b0137fd-5fd6-4d08-b9bf-4cdf9876797d".to_owned();
    let expected = [
        (Method::POST, "/v2/upload".to_owned()),
        (Method::POST, "/v2/pre-recorded".to_owned()),
        (Method::GET, job.clone()),
        (Method::GET, job),
    ];
    assert_eq!(paths(&asked), expected);
    let sent = text(asked[1].body());
    assert!(sent["audio_url"].as_str().unwrap().starts_with("https://api.gladia.io/file/"));
    assert_eq!(
        (&sent["diarization"], &sent["language_config"]["languages"][0]),
        (&json!(true), &json!("en"))
    );
    assert!(asked.iter().all(|request| request.headers()["x-gladia-key"] == recordings::KEY));
    let told = text(&answer);
    assert!(told["text"].as_str().unwrap().starts_with("Galileo was an American"));
    assert_eq!((millis, &told["language"]), (36_740, &json!("en")));
    assert!(told["segments"].as_array().unwrap().len() > 2);
}

#[test]
fn revais_job_is_handed_in_looked_at_and_its_transcript_fetched() {
    let names = ["vercel-revai-job-submit", "vercel-revai-job-status", "vercel-revai-transcript"];
    let Some(answers) = recorded("revai", names) else { return };
    let provider = recordings::provider("revai");
    let (asked, answer, millis) = walk(hear(&*provider, &verbose("machine")), &answers).unwrap();
    let paths: Vec<_> = paths(&asked).into_iter().map(|(_, path)| path).collect();
    let jobs = "/speechtotext/v1/jobs";
    assert_eq!(paths, [jobs.to_owned(), format!("{jobs}/test-id"), format!("{jobs}/test-id/transcript")]);
    let told = text(&answer);
    assert_eq!(told["text"], "Hello from the Sal, A-I-S-D-K.");
    assert_eq!((millis, &told["words"][3]["word"]), (2_510, &json!("Sal,")));
}

#[test]
fn fals_recordings_go_through_storage_and_queue_and_the_key_stays_home() {
    let names = ["vercel-fal-transcription-queue", "vercel-fal-transcription-result"];
    let Some(recorded) = recorded("fal", names) else { return };
    let place = Bytes::from_static(
        br#"{"file_url":"https://v3.fal.media/files/a/r","upload_url":"https://storage.example.com/put?sig=1"}"#,
    );
    let done = Bytes::from_static(br#"{"status":"COMPLETED"}"#);
    let answers = [place, Bytes::new(), recorded[0].clone(), done, recorded[1].clone()];
    let provider = recordings::provider("fal_ai");
    let exchange = prepare(&*provider, Operation::Translation, true, &verbose("fal-ai/wizper")).unwrap();
    let (asked, answer, millis) = walk(exchange, &answers).unwrap();
    let hosts: Vec<_> = asked.iter().map(|request| request.uri().host().unwrap()).collect();
    let expected = ["rest.fal.ai", "storage.example.com", "queue.fal.run", "queue.fal.run", "queue.fal.run"];
    assert_eq!(hosts, expected);
    let keyed: Vec<_> = asked.iter().map(|request| request.headers().contains_key("authorization")).collect();
    assert_eq!(keyed, [true, false, true, true, true]);
    let sent = text(asked[2].body());
    assert_eq!(sent, json!({"task": "translate", "audio_url": "https://v3.fal.media/files/a/r"}));
    assert_eq!(asked[4].uri().path(), "/fal-ai/wizper/requests/test-id/result");
    let told = text(&answer);
    assert_eq!((&told["text"], &told["task"]), (&json!("Hello from the Versal AISDK."), &json!("translate")));
    assert_eq!((millis, told["segments"].as_array().unwrap().len()), (2_508, 1));
}

#[test]
fn assemblyais_job_ends_in_a_transcript_or_in_its_error() {
    let provider = recordings::provider("assemblyai");
    let state = |status: &str, more: &str| Bytes::from(format!(r#"{{"id":"t1","status":"{status}"{more}}}"#));
    let uploaded = Bytes::from_static(br#"{"upload_url":"https://cdn.assemblyai.com/upload/1"}"#);
    let words = r#","text":"Good day.","language_code":"en_us","audio_duration":2,"words":[{"text":"Good","start":100,"end":400},{"text":"day.","start":400,"end":900}]"#;
    let answers = [uploaded.clone(), state("queued", ""), state("processing", ""), state("completed", words)];
    let (asked, answer, millis) = walk(hear(&*provider, &verbose("universal")), &answers).unwrap();
    let sent = text(asked[1].body());
    assert_eq!(sent["speech_models"], json!(["universal"]));
    assert_eq!(
        (&sent["audio_url"], &sent["language_detection"]),
        (&json!("https://cdn.assemblyai.com/upload/1"), &json!(true))
    );
    assert_eq!(asked[3].uri().path(), "/v2/transcript/t1");
    let told = text(&answer);
    assert_eq!((millis, &told["words"][1]), (2_000, &json!({"word": "day.", "start": 0.4, "end": 0.9})));
    let failed = [uploaded, state("queued", ""), state("error", r#","error":"no speech""#)];
    let error: Error = walk(hear(&*provider, &verbose("universal")), &failed).err().unwrap();
    assert_eq!((error.kind(), error.message().contains("no speech")), (ErrorKind::ProviderFault, true));
}

#[test]
fn a_recording_goes_on_in_the_form_that_its_host_takes() {
    let fields = json!({"model": "m", "language": "de", "temperature": "0", "prompt": "p", "diarize": "true",
        "litellm_trace_id": "t", "user": "u", "stream": "true"});
    let deepgram = hear(&*recordings::provider("deepgram"), &fields);
    let Outgoing::Send(request) = &deepgram.outgoing else { panic!("the provider is asked") };
    let query = "model=m&language=de&smart_format=true&diarize=true";
    assert_eq!(request.uri().to_string(), format!("https://api.deepgram.com/v1/listen?{query}"));
    assert_eq!(request.headers()["authorization"], format!("Token {}", recordings::KEY));
    assert_eq!(deepgram.form.unwrap().shape, FormShape::Content);
    assert_eq!(deepgram.dropped, ["prompt", "temperature"]);
    let elevenlabs = hear(&*recordings::provider("elevenlabs"), &fields);
    let form = elevenlabs.form.unwrap();
    let set: Vec<_> = form.set.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [("model_id", "m"), ("language_code", "de"), ("temperature", "0"), ("diarize", "true")];
    assert_eq!(set, expected);
    assert_eq!(elevenlabs.dropped, ["prompt"]);
}

#[test]
fn speech_is_asked_for_in_the_hosts_own_words() {
    let ask = |provider: &str, body: Value| {
        let exchange = prepare(&*recordings::provider(provider), Operation::Speech, false, &body)?;
        assert!(exchange.media, "the sound passes");
        assert_eq!(exchange.reply.report().usage.input_characters, 2);
        let Outgoing::Send(request) = exchange.outgoing else { panic!("the provider is asked") };
        Ok::<_, Error>((request.uri().to_string(), text(request.body())))
    };
    let body =
        |model: &str| json!({"model": model, "input": "hi", "voice": "alloy", "response_format": "opus"});
    let (uri, sent) = ask("deepgram", body("aura-2")).unwrap();
    assert_eq!(uri, "https://api.deepgram.com/v1/speak?model=aura-2-thalia-en&encoding=opus&container=ogg");
    assert_eq!(sent, json!({"text": "hi"}));
    let (uri, sent) = ask("elevenlabs", body("eleven_multilingual_v2")).unwrap();
    let path = "/v1/text-to-speech/21m00Tcm4TlvDq8ikWAM/stream?output_format=opus_48000_128";
    assert_eq!(uri, format!("https://api.elevenlabs.io{path}"));
    assert_eq!(sent, json!({"text": "hi", "model_id": "eleven_multilingual_v2"}));
    assert_eq!(ask("cartesia", body("sonic-2")).unwrap_err().param(), Some("response_format"));
    let mut instructed = body("aura-2");
    instructed["instructions"] = "softly".into();
    assert_eq!(ask("deepgram", instructed).unwrap_err().param(), Some("instructions"));
}

/// Provider, status, body and the kind of error that it is.
const REFUSALS: &[(&str, u16, &str, ErrorKind)] = &[
    (
        "deepgram",
        401,
        r#"{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials."}"#,
        ErrorKind::Authentication,
    ),
    (
        "deepgram",
        402,
        r#"{"err_code":"ASR_PAYMENT_REQUIRED","err_msg":"Project has no credits"}"#,
        ErrorKind::PaymentRequired,
    ),
    (
        "elevenlabs",
        401,
        r#"{"detail":{"status":"quota_exceeded","message":"no credits"}}"#,
        ErrorKind::PaymentRequired,
    ),
    (
        "elevenlabs",
        401,
        r#"{"detail":{"status":"invalid_api_key","message":"Invalid API key"}}"#,
        ErrorKind::Authentication,
    ),
    (
        "elevenlabs",
        422,
        r#"{"detail":[{"loc":["body","text"],"msg":"field required"}]}"#,
        ErrorKind::Unprocessable,
    ),
    ("assemblyai", 400, r#"{"error":"bad audio_url"}"#, ErrorKind::InvalidRequest),
    ("gladia", 429, r#"{"statusCode":429,"message":"Too Many Requests"}"#, ErrorKind::RateLimited),
    ("revai", 403, r#"{"title":"You do not have enough credits","status":403}"#, ErrorKind::PermissionDenied),
    ("fal_ai", 401, r#"{"detail":"Authentication is required"}"#, ErrorKind::Authentication),
    (
        "fal_ai",
        422,
        r#"{"detail":[{"loc":["body","prompt"],"msg":"flagged","type":"content_policy_violation"}]}"#,
        ErrorKind::ContentPolicy,
    ),
    (
        "stability",
        403,
        r#"{"id":"x","name":"content_moderation","errors":["Your request was flagged"]}"#,
        ErrorKind::ContentPolicy,
    ),
    (
        "stability",
        402,
        r#"{"id":"x","name":"payment_required","errors":["no credits"]}"#,
        ErrorKind::PaymentRequired,
    ),
    ("black_forest_labs", 402, r#"{"detail":"Insufficient credits"}"#, ErrorKind::PaymentRequired),
    ("recraft", 429, r#"{"code":"rate_limit","message":"slow down"}"#, ErrorKind::RateLimited),
    ("cartesia", 400, "Invalid model", ErrorKind::InvalidRequest),
];

#[test]
fn refusals_of_media_hosts_are_told_apart() {
    for &(provider, status, body, kind) in REFUSALS {
        let (headers, body) = (HeaderMap::new(), Bytes::from_static(body.as_bytes()));
        let failed = FailedReply::new(StatusCode::from_u16(status).unwrap(), &headers, &body);
        let error = recordings::provider(provider).classify(&failed);
        assert_eq!(
            (error.kind(), error.status().as_u16()),
            (kind, if kind == ErrorKind::PaymentRequired { 402 } else { status }),
            "{provider}: {error}"
        );
        assert!(!error.message().starts_with('{'), "{provider}: {error}");
    }
}

fn draw(provider: &str, body: Value) -> Result<Exchange> {
    prepare(&*recordings::provider(provider), Operation::ImageGeneration, false, &body)
}

fn answers<const N: usize>(answers: [&str; N]) -> Vec<Bytes> {
    answers.map(|answer| Bytes::copy_from_slice(answer.as_bytes())).into()
}

#[test]
fn fals_images_are_told_in_openais_form_and_fetched_where_they_are_wanted() {
    let body = json!({"model": "fal-ai/flux/dev", "prompt": "a harbour", "n": 2, "size": "1536x1024",
        "quality": "high", "seed": 7});
    let told =
        r#"{"images":[{"url":"https://v3.fal.media/1.png"},{"url":"https://v3.fal.media/2.png"}],"seed":7}"#;
    let (asked, answer, _) = walk(draw("fal_ai", body.clone()).unwrap(), &answers([told])).unwrap();
    assert_eq!(asked[0].uri(), "https://fal.run/fal-ai/flux/dev");
    let size = json!({"width": 1536, "height": 1024});
    let expected = json!({"prompt": "a harbour", "num_images": 2, "image_size": size, "seed": 7});
    assert_eq!(text(asked[0].body()), expected);
    let urls = ["https://v3.fal.media/1.png", "https://v3.fal.media/2.png"].map(|url| json!({"url": url}));
    assert_eq!(text(&answer), json!({"created": 7, "data": urls}));
    let mut encoded = body;
    encoded["response_format"] = "b64_json".into();
    let exchange = draw("fal_ai", encoded).unwrap();
    assert_eq!(exchange.dropped, ["quality"]);
    let (asked, answer, _) = walk(exchange, &answers([told, "one", "two"])).unwrap();
    assert!(!asked[1].headers().contains_key("authorization"), "the key stays home");
    assert_eq!(text(&answer)["data"], json!([{"b64_json": "b25l"}, {"b64_json": "dHdv"}]));
}

#[test]
fn each_image_of_black_forest_labs_is_a_job() {
    let body = json!({"model": "flux-pro-1.1", "prompt": "a harbour", "n": 2, "size": "1000x1000"});
    let job = r#"{"id":"j","polling_url":"https://api.eu1.bfl.ai/v1/get_result?id=j"}"#;
    let ready = r#"{"id":"j","status":"Ready","result":{"sample":"https://delivery.example.com/1.jpeg"}}"#;
    let told = answers([job, r#"{"id":"j","status":"Pending"}"#, ready, job, ready]);
    let (asked, answer, _) = walk(draw("black_forest_labs", body.clone()).unwrap(), &told).unwrap();
    let hosts: Vec<_> = asked.iter().map(|request| request.uri().host().unwrap()).collect();
    assert_eq!(hosts, ["api.bfl.ai", "api.eu1.bfl.ai", "api.eu1.bfl.ai", "api.bfl.ai", "api.eu1.bfl.ai"]);
    assert!(asked.iter().all(|request| request.headers()["x-key"] == recordings::KEY));
    assert_eq!(text(asked[0].body()), json!({"prompt": "a harbour", "width": 992, "height": 992}));
    assert_eq!(text(&answer)["data"].as_array().unwrap().len(), 2);
    let refused = answers([job, r#"{"id":"j","status":"Content Moderated"}"#]);
    let error = walk(draw("black_forest_labs", body.clone()).unwrap(), &refused).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::ContentPolicy);
    let elsewhere = answers([r#"{"id":"j","polling_url":"http://169.254.169.254/latest"}"#]);
    assert_eq!(
        walk(draw("black_forest_labs", body).unwrap(), &elsewhere).err().unwrap().kind(),
        ErrorKind::BadReply
    );
}

#[test]
fn stabilitys_images_come_one_by_one_and_changes_take_the_clients_file() {
    let body = json!({"model": "sd3.5-large", "prompt": "a harbour", "n": 2, "size": "1792x1024",
        "output_format": "webp", "negative_prompt": "fog"});
    let image = r#"{"image":"QUJD","finish_reason":"SUCCESS","seed":1}"#;
    let (asked, answer, _) =
        walk(draw("stability", body.clone()).unwrap(), &answers([image, image])).unwrap();
    assert_eq!(asked[1].uri(), "https://api.stability.ai/v2beta/stable-image/generate/sd3");
    let sent = String::from_utf8(asked[0].body().to_vec()).unwrap();
    for (name, value) in [
        ("prompt", "a harbour"),
        ("model", "sd3.5-large"),
        ("aspect_ratio", "16:9"),
        ("output_format", "webp"),
        ("negative_prompt", "fog"),
    ] {
        assert!(sent.contains(&format!("name=\"{name}\"\r\n\r\n{value}\r\n")), "{name}: {sent}");
    }
    assert_eq!(text(&answer)["data"], json!([{"b64_json": "QUJD"}, {"b64_json": "QUJD"}]));
    let filtered = answers([r#"{"image":"QUJD","finish_reason":"CONTENT_FILTERED"}"#]);
    assert_eq!(
        walk(draw("stability", body).unwrap(), &filtered).err().unwrap().kind(),
        ErrorKind::ContentPolicy
    );
    let fields = json!({"model": "inpaint", "prompt": "a boat", "n": "1"});
    let provider = recordings::provider("stability");
    let exchange = prepare(&*provider, Operation::ImageEdit, true, &fields).unwrap();
    assert_eq!(exchange.form.as_ref().unwrap().set, [("prompt".to_owned(), "a boat".to_owned())]);
    let (asked, ..) = walk(exchange, &answers([image])).unwrap();
    assert_eq!(asked[0].uri().path(), "/v2beta/stable-image/edit/inpaint");
}

#[test]
fn recraft_is_asked_in_openais_form() {
    let exchange =
        draw("recraft", json!({"model": "recraftv3", "prompt": "a harbour", "style": "vector"})).unwrap();
    let Outgoing::Send(request) = &exchange.outgoing else { panic!("the provider is asked") };
    assert_eq!(request.uri(), "https://external.api.recraft.ai/v1/images/generations");
    assert_eq!(text(request.body())["style"], "vector");
    let provider = recordings::provider("recraft");
    let fields = json!({"model": "recraftv3", "prompt": "a boat"});
    let exchange = prepare(&*provider, Operation::ImageEdit, true, &fields).unwrap();
    assert_eq!(exchange.form.unwrap().add, [("strength".to_owned(), "0.2".to_owned())]);
    assert!(prepare(&*provider, Operation::Speech, false, &fields).is_err());
}

#[test]
fn googles_models_draw_inside_an_answer_or_by_a_method_of_their_own() {
    let body =
        json!({"model": "gemini-2.5-flash-image", "prompt": "an axolotl", "n": 2, "size": "1024x1792"});
    let Some(told) = recorded("vertex", ["image_generation_with_output_format"]) else { return };
    let (asked, answer, _) =
        walk(draw("gemini", body).unwrap(), &[told[0].clone(), told[0].clone()]).unwrap();
    assert_eq!(asked[1].uri().path(), "/v1beta/models/gemini-2.5-flash-image:generateContent");
    let sent = text(asked[0].body());
    assert_eq!(sent["contents"][0]["parts"], json!([{"text": "an axolotl"}]));
    let generation = json!({"responseModalities": ["TEXT", "IMAGE"], "imageConfig": {"aspectRatio": "9:16"}});
    assert_eq!(sent["generationConfig"], generation);
    let answer = text(&answer);
    assert_eq!(answer["data"].as_array().unwrap().len(), 2);
    assert!(answer["data"][1]["b64_json"].as_str().unwrap().starts_with("/9j/"));
    assert_eq!(
        (&answer["usage"]["input_tokens"], &answer["usage"]["output_tokens"]),
        (&json!(18), &json!(2580))
    );
    assert_eq!(answer["usage"]["output_tokens_details"]["image_tokens"], 2580);

    let body =
        json!({"model": "imagen-4.0-generate-001", "prompt": "a harbour", "n": 2, "output_format": "jpeg"});
    let told = answers([r#"{"predictions":[{"mimeType":"image/jpeg","bytesBase64Encoded":"QUJD"}]}"#]);
    let (asked, answer, _) = walk(draw("gemini", body.clone()).unwrap(), &told).unwrap();
    assert_eq!(asked[0].uri().path(), "/v1beta/models/imagen-4.0-generate-001:predict");
    let parameters = json!({"sampleCount": 2, "outputOptions": {"mimeType": "image/jpeg"}});
    assert_eq!(
        text(asked[0].body()),
        json!({"instances": [{"prompt": "a harbour"}], "parameters": parameters})
    );
    assert_eq!(text(&answer)["data"], json!([{"b64_json": "QUJD"}]));
    let filtered = answers([r#"{"predictions":[{"raiFilteredReason":"It shows a person."}]}"#]);
    let error = walk(draw("gemini", body).unwrap(), &filtered).err().unwrap();
    assert_eq!((error.kind(), error.message()), (ErrorKind::ContentPolicy, "It shows a person."));
}
