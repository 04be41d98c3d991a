//! Settings of `litellm_params` that one kind of provider understands: accounts, regions and identities of clouds.

use super::Key;
use super::Shape::{Secret, SecretDocument, Text, Url};

/// What reaches the provider under its own name.
pub(super) const KEYS: &[Key] = &[
    Key::option("region_name", Text, "The region, for providers that have them."),
    Key::option("aws_access_key_id", Secret, "AWS: the id of an access key."),
    Key::option("aws_secret_access_key", Secret, "AWS: the secret of the access key."),
    Key::option("aws_session_token", Secret, "AWS: the session token of a temporary access key."),
    Key::option("aws_region_name", Text, "AWS: the region."),
    Key::option("aws_profile_name", Text, "AWS: the profile of the shared configuration files."),
    Key::option("aws_role_name", Text, "AWS: the ARN of a role to assume."),
    Key::option("aws_session_name", Text, "AWS: the name of the session as that role."),
    Key::option("aws_external_id", Secret, "AWS: the external id that the role asks for."),
    Key::option(
        "aws_web_identity_token",
        Secret,
        "AWS: an OIDC token to assume the role with, or where it is: a path, `oidc/file/PATH`, `oidc/env/NAME`.",
    ),
    Key::option("aws_sts_endpoint", Url, "AWS: the address of the token service."),
    Key::option("aws_bedrock_runtime_endpoint", Url, "AWS: the address of Bedrock's runtime."),
    Key::option("aws_bedrock_project_id", Text, "AWS: the project that Bedrock counts requests for."),
    Key::option("vertex_project", Text, "Google Cloud: the project.").alias(&["vertex_ai_project"]),
    Key::option("vertex_location", Text, "Google Cloud: the region, a multi-region, or `global`.")
        .alias(&["vertex_ai_location"]),
    Key::option(
        "vertex_credentials",
        SecretDocument,
        "Google Cloud: a credentials file: its path, its JSON as text, or as a mapping.",
    )
    .alias(&["vertex_ai_credentials"]),
    Key::option(
        "azure_ad_token",
        Secret,
        "Azure: a token of Entra ID, or `oidc/file/PATH`, `oidc/env/NAME`.",
    ),
    Key::option("tenant_id", Text, "Azure: the tenant of Entra ID.").alias(&["azure_tenant_id"]),
    Key::option("client_id", Text, "Azure: the application, or the managed identity, that calls.")
        .alias(&["azure_client_id"]),
    Key::option("client_secret", Secret, "Azure: the secret of the application.")
        .alias(&["azure_client_secret"]),
    Key::option(
        "azure_client_certificate_path",
        Text,
        "Azure: a PEM file with the certificate and the key of the application.",
    ),
    Key::option(
        "azure_federated_token_file",
        Text,
        "Azure: a file with a token of another identity provider.",
    ),
    Key::option("azure_username", Text, "Azure: the user that calls."),
    Key::option("azure_password", Secret, "Azure: the password of the user."),
    Key::option("azure_scope", Text, "Azure: the scope that tokens are asked for."),
    Key::option("azure_authority_host", Url, "Azure: the address of Entra ID."),
    Key::option("sagemaker_base_url", Url, "AWS: the address of SageMaker's runtime."),
    Key::option("watsonx_region_name", Text, "watsonx: the region."),
    Key::option("project_id", Text, "watsonx: the project that pays."),
    Key::option("space_id", Text, "watsonx: the deployment space that pays, where no project does."),
    Key::option("zen_api_key", Secret, "watsonx: the key of a cluster of one's own."),
    Key::option("token", Secret, "watsonx: a token that somebody else renews."),
];

/// What has no effect as yet.
pub(super) const NOT_YET: &[&str] = &[
    "aws_session_tags",
    "aws_batch_role_arn",
    "bedrock_tags",
    "s3_*",
    "gcs_bucket_name",
    "bucket_name",
    "anthropic_*",
    "openai_*",
];
