#!/bin/sh
# bare.sh FOLDER: a product as floe 0.1.0a1 builds it, by nothing but floe's own code and dbt's parser.
set -eu
cd "$1"
floe platform compile --spec floe.yaml --manifest ../manifest.yaml --output compiled_artifacts.json \
    --generate-definitions --no-lineage-emission
# No command of floe writes the profile that it compiled; its runtime does before every run.
profiles=$(python -c '
from pathlib import Path
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.runtime import prepare_compiled_profiles_dir
artifacts = CompiledArtifacts.model_validate_json(Path("compiled_artifacts.json").read_bytes())
print(prepare_compiled_profiles_dir(artifacts=artifacts, project_dir=Path.cwd()))
')
# The profile asks for these by name; parsing uses none of them.
for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY \
    POLARIS_CLIENT_ID POLARIS_CLIENT_SECRET POLARIS_OAUTH2_SERVER_URI; do
    export "$name=not-known-at-build-time"
done
dbt --no-use-colors parse --profiles-dir "$profiles" --log-path "$profiles"
