//! A server's tools, for an operator.

use super::*;

async fn tools(how: &str) -> Result<Vec<String>, ServerError> {
    let tools = Server::new(python(how)).tools().await?;
    Ok(tools.iter().map(|tool| tool.as_str().to_owned()).collect())
}

#[tokio::test]
async fn all_pages_are_read_in_both_eras() {
    for how in ["legacy", "modern", "both"] {
        let tools = tools(how).await.unwrap();
        assert_eq!(
            tools,
            [r#"{"name": "a"}"#, r#"{"name": "b", "page": "two"}"#],
            "{how}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_down_or_answers_with_an_error_is_told_of() {
    let nothing = Server::new(config(command("/nonexistent", &[])));
    assert!(matches!(
        nothing.tools().await,
        Err(ServerError::NotFound { .. })
    ));
    assert!(matches!(
        tools("no-list").await,
        Err(ServerError::Garbage { .. })
    ));
}
