"""Images, sound and moderations, with the official OpenAI client."""

import base64
import io
import wave

import openai
import pytest


def test_images_are_drawn(openai_client):
    answer = openai_client.images.generate(model="echo", prompt="a harbour", n=2)
    assert len(answer.data) == 2
    assert base64.b64decode(answer.data[0].b64_json).startswith(b"\x89PNG")
    assert answer.usage.input_tokens == 2


def test_partial_images_are_streamed(openai_client):
    events = list(openai_client.images.generate(model="echo", prompt="a harbour", stream=True, partial_images=1))
    assert [event.type for event in events] == ["image_generation.partial_image", "image_generation.completed"]


def test_images_are_edited(openai_client):
    picture = ("a.png", b"\x89PNG\r\n\x1a\n", "image/png")
    answer = openai_client.images.edit(model="echo", image=picture, prompt="more boats")
    assert base64.b64decode(answer.data[0].b64_json).startswith(b"\x89PNG")


def test_speech_is_a_sound(openai_client):
    with openai_client.audio.speech.with_streaming_response.create(
        model="echo", voice="alloy", input="Good day", response_format="wav"
    ) as answer:
        assert answer.headers["content-type"] == "audio/wav"
        sound = io.BytesIO(b"".join(answer.iter_bytes()))
    with wave.open(sound) as file:
        assert (file.getframerate(), file.getnframes()) == (8000, 8 * 400)


def recording():
    return ("a.wav", b"RIFF" * 500_000, "audio/wav")


def test_recordings_are_written_down(openai_client):
    answer = openai_client.audio.transcriptions.create(model="echo", file=recording(), prompt="Good day")
    assert answer.text == "Good day"
    answer = openai_client.audio.translations.create(model="echo", file=recording(), prompt="Good day")
    assert answer.text == "Good day"
    text = openai_client.audio.transcriptions.create(
        model="echo", file=recording(), prompt="Good day", response_format="srt"
    )
    assert text.startswith("1\n00:00:00,000 -->")


def test_transcripts_are_streamed(openai_client):
    events = openai_client.audio.transcriptions.create(
        model="echo", file=recording(), prompt="Good day", stream=True
    )
    assert [event.type for event in events] == ["transcript.text.delta", "transcript.text.done"]


def test_nothing_that_is_said_to_the_echo_is_flagged(openai_client):
    answer = openai_client.moderations.create(model="echo", input="Good day")
    assert [result.flagged for result in answer.results] == [False]


def test_errors_are_typed(openai_client):
    with pytest.raises(openai.RateLimitError):
        openai_client.audio.speech.create(model="echo-limited", voice="alloy", input="Good day")
    with pytest.raises(openai.InternalServerError):
        openai_client.audio.transcriptions.create(model="echo-broken", file=recording())
    with pytest.raises(openai.NotFoundError):
        openai_client.images.generate(model="nothing", prompt="a")
