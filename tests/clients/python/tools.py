"""Tools the tests offer to models, in both dialects, and the arguments that `echo` makes up for them."""

WEATHER_SCHEMA = {
    "type": "object",
    "properties": {
        "place": {"type": "string"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer"},
    },
    "required": ["place", "unit", "days"],
    "additionalProperties": False,
}
WEATHER_ARGUMENTS = {"place": "text", "unit": "celsius", "days": 1}

CLOCK_SCHEMA = {
    "type": "object",
    "properties": {"zones": {"type": "array", "items": {"type": "string"}}, "precise": {"type": "boolean"}},
    "required": ["zones", "precise"],
    "additionalProperties": False,
}
CLOCK_ARGUMENTS = {"zones": ["text"], "precise": True}

SCHEMAS = {"get_weather": WEATHER_SCHEMA, "read_clock": CLOCK_SCHEMA}
OPENAI_TOOLS = [
    {"type": "function", "function": {"name": name, "description": "A tool.", "parameters": schema}}
    for name, schema in SCHEMAS.items()
]
ANTHROPIC_TOOLS = [
    {"name": name, "description": "A tool.", "input_schema": schema} for name, schema in SCHEMAS.items()
]

# One grey pixel.
PIXEL_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)
