//! The scenes, in their order.

use std::io::Write;
use std::time::Instant;

use sandgate_message::Era;
use serde_json::{Value, json};

use super::DemoError;
use super::story::Story;

/// What the desk knows of a customer and should not tell.
const PERSONAL: [&str; 4] = ["email", "phone", "card", "iban"];
const FORBIDDEN: &str = "delete_customer";

/// Plays them all.
pub(super) async fn all<W: Write>(story: &mut Story<'_, W>) -> Result<(), DemoError> {
    let schema = listing(story).await?;
    let masked = masking(story, &schema).await?;
    masking_in_the_modern_era(story, &masked).await?;
    climbing_out(story).await?;
    unlisted(story).await?;
    on_trial(story).await?;
    changed_policy(story).await?;
    bad_change(story).await
}

fn lookup() -> Value {
    json!({ "name": "lookup_customer", "arguments": { "id": "C-1001" } })
}

/// Hands back what `lookup_customer` promises of its result.
async fn listing<W: Write>(story: &mut Story<'_, W>) -> Result<Value, DemoError> {
    story.scene("What is not allowed is not listed", Some(Era::Legacy))?;
    let direct = story.directly("tools/list", json!({})).await?;
    let told = story.call(Era::Legacy, "tools/list", json!({})).await?;
    let tools = |message: &Value| {
        let tools = message["result"]["tools"].as_array().cloned();
        tools.unwrap_or_default()
    };
    let (all, listed) = (tools(&direct.message), tools(&told.reply.message));
    let kept: Vec<_> = all
        .iter()
        .filter(|tool| tool["name"] != FORBIDDEN)
        .cloned()
        .collect();
    story.claim(
        all.len() == kept.len() + 1 && listed == kept,
        &format!(
            "The server lists {} tools; {FORBIDDEN} is gone, the others are as they were.",
            all.len()
        ),
    )?;
    let lookup = listed.iter().find(|tool| tool["name"] == "lookup_customer");
    Ok(lookup
        .map(|tool| tool["outputSchema"].clone())
        .unwrap_or_default())
}

/// Hands back the reply's result.
async fn masking<W: Write>(story: &mut Story<'_, W>, schema: &Value) -> Result<Value, DemoError> {
    story.scene(
        "Personal data is masked, in text and in structuredContent",
        Some(Era::Legacy),
    )?;
    let direct = story.directly("tools/call", lookup()).await?;
    let told = story.call(Era::Legacy, "tools/call", lookup()).await?;
    let known = &direct.message["result"]["structuredContent"];
    let secrets: Vec<_> = PERSONAL
        .iter()
        .filter_map(|key| known[*key].as_str())
        .collect();
    let reply = String::from_utf8_lossy(&told.reply.bytes).into_owned();
    story.claim(
        secrets.len() == PERSONAL.len() && !secrets.iter().any(|secret| reply.contains(secret)),
        &format!(
            "The server's answer holds {}; the client's holds none of it.",
            secrets.join(", ")
        ),
    )?;
    let structured = told.structured().clone();
    story.claim(
        told.text().contains("[email~")
            && is_mark(&structured["card"], "[credit-card~")
            && structured["name"] == known["name"],
        "Masks stand in its place; the rest is as it was.",
    )?;
    story.claim(
        fits(schema, known) && fits(schema, &structured),
        &format!(
            "What is left still fits the tool's output schema: it wants an e-mail address, so {} stands there.",
            structured["email"].as_str().unwrap_or_default()
        ),
    )?;
    Ok(told.reply.message["result"].clone())
}

/// Whether the value is a mark that begins like this. A tag ends it.
fn is_mark(value: &Value, start: &str) -> bool {
    value.as_str().is_some_and(|mark| mark.starts_with(start))
}

fn fits(schema: &Value, value: &Value) -> bool {
    schema.is_object()
        && jsonschema::options()
            .should_validate_formats(true)
            .build(schema)
            .is_ok_and(|schema| schema.is_valid(value))
}

async fn masking_in_the_modern_era<W: Write>(
    story: &mut Story<'_, W>,
    masked: &Value,
) -> Result<(), DemoError> {
    story.scene(
        "The same call in the other era of the protocol",
        Some(Era::Modern),
    )?;
    let told = story.call(Era::Modern, "tools/call", lookup()).await?;
    story.claim(
        told.seen
            .as_ref()
            .is_some_and(|seen| seen.era == support_desk::Era::Modern),
        "The server was asked in that era too: the gateway translates nothing.",
    )?;
    let result = &told.reply.message["result"];
    story.claim(
        result["content"] == masked["content"]
            && result["structuredContent"] == masked["structuredContent"]
            && result["resultType"] == "complete",
        "The same masks stand in the same places.",
    )
}

async fn climbing_out<W: Write>(story: &mut Story<'_, W>) -> Result<(), DemoError> {
    story.scene(
        "A path that climbs out of its folder is refused",
        Some(Era::Modern),
    )?;
    let path = "../../../etc/passwd";
    let params = json!({ "name": "read_file", "arguments": { "path": path } });
    let direct = story.directly("tools/call", params.clone()).await?;
    let told = story.call(Era::Modern, "tools/call", params).await?;
    story.claim(
        direct.message.to_string().contains("root:x:0:0"),
        "This server hands that file to whoever asks it directly.",
    )?;
    story.claim(
        told.was_refused_by("check") && told.seen.is_none(),
        "Through the gateway it never hears of the call.",
    )?;
    story.claim(
        told.is_tool_error() && !told.text().is_empty(),
        "The refusal is a tool's error, which a model can read and mend its call by.",
    )
}

async fn unlisted<W: Write>(story: &mut Story<'_, W>) -> Result<(), DemoError> {
    story.scene(
        "A tool that is not listed cannot be called either",
        Some(Era::Legacy),
    )?;
    let params = json!({ "name": FORBIDDEN, "arguments": { "id": "C-1001" } });
    let told = story.call(Era::Legacy, "tools/call", params).await?;
    story.claim(
        told.was_refused_by("allow") && told.seen.is_none() && told.is_tool_error(),
        "Knowing its name does not help: the server never hears of the call.",
    )
}

async fn on_trial<W: Write>(story: &mut Story<'_, W>) -> Result<(), DemoError> {
    story.scene(
        "A policy on trial notes what it would do, and does nothing",
        Some(Era::Legacy),
    )?;
    let params = json!({ "name": "list_tickets", "arguments": { "customer": "C-1001" } });
    let direct = story.directly("tools/call", params.clone()).await?;
    let told = story.call(Era::Legacy, "tools/call", params).await?;
    let on_trial = told.run("scrub-tickets", false);
    story.claim(
        on_trial.is_some_and(|run| run.is_in_audit() && !run.applied && !run.findings.is_empty()),
        "The finding is on record.",
    )?;
    let result = |message: &Value| message["result"].to_string();
    story.claim(
        result(&told.reply.message) == result(&direct.message)
            && told.text().contains("buchhaltung@weber.example"),
        "The reply is the server's own, the e-mail address in it included.",
    )
}

async fn changed_policy<W: Write>(story: &mut Story<'_, W>) -> Result<(), DemoError> {
    story.scene(
        "A policy changes on disk, and the next call goes by it",
        Some(Era::Legacy),
    )?;
    let before = version(&story.ready(|_| true).await?);
    let settings = "settings = { reveal = { credit-card = 4 } }";
    let saved = Instant::now();
    story.stage.save(settings)?;
    let now = version(&story.ready(|readiness| version(readiness) > before).await?);
    let took = saved.elapsed().as_millis();
    story
        .page
        .row("saved", &format!("sandgate.toml, scrub with {settings}"))?;
    story.page.row(
        "live",
        &format!("version {now} after {took} ms, version {before} until then"),
    )?;
    let told = story.call(Era::Legacy, "tools/call", lookup()).await?;
    story.claim(
        told.record.trail.version == now
            && told.text().contains("[credit-card ****1111~")
            && is_mark(&told.structured()["card"], "[credit-card ****1111~"),
        "The card shows its last four digits now, in the same session, with nothing restarted.",
    )
}

async fn bad_change<W: Write>(story: &mut Story<'_, W>) -> Result<(), DemoError> {
    story.scene("A bad change breaks nothing", Some(Era::Modern))?;
    let before = version(&story.ready(|_| true).await?);
    let settings = "settings = { reveal = { credit-card = 40 } }";
    story.stage.save(settings)?;
    let readiness = story.ready(|readiness| why(readiness).is_some()).await?;
    let why = why(&readiness).unwrap_or_default();
    story
        .page
        .row("saved", &format!("sandgate.toml, scrub with {settings}"))?;
    // The folder is in the prologue.
    let folder = format!("{}/", story.stage.folder().display());
    story.page.row("/readyz says", &why.replace(&folder, ""))?;
    let told = story.call(Era::Modern, "tools/call", lookup()).await?;
    story.claim(
        readiness["ready"] == true && version(&readiness) == before && why.contains("credit-card"),
        "The gateway is ready, and says why the change is not in force.",
    )?;
    story.claim(
        told.record.trail.version == before
            && is_mark(&told.structured()["card"], "[credit-card ****1111~"),
        "The last good version goes on.",
    )?;
    story
        .stage
        .save("settings = { reveal = { credit-card = 4 } }")?;
    let mended = story
        .ready(|readiness| self::why(readiness).is_none())
        .await?;
    story.claim(
        mended["ready"] == true,
        "The file is mended, and so is what /readyz says.",
    )
}

fn version(readiness: &Value) -> u64 {
    readiness["version"].as_u64().unwrap_or_default()
}

fn why(readiness: &Value) -> Option<&str> {
    readiness["lastReloadError"].as_str()
}
