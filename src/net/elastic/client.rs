//! A connection to one cluster: [`http`] with knowledge of the engine that answers.

use super::{Engine, answer};
use crate::{
    config::Connection,
    error::{Kind, Result},
    net::http::{self, Answer, Body, Call, Dialect, Method},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OnceCell;

const DIALECT: Dialect = Dialect { headers: &[], explain: answer::explain };

/// A connection to one cluster.
#[derive(Debug)]
pub struct Client {
    http: http::Client,
    engine: OnceCell<Engine>,
}

impl Client {
    /// Reads the certificate files; sends nothing yet.
    ///
    /// # Errors
    /// As [`http::Client::new`].
    pub fn new(connection: &Connection) -> Result<Self> {
        Ok(Self { http: http::Client::new(connection, DIALECT)?, engine: OnceCell::new() })
    }

    /// The base URLs, without user and password.
    pub fn addresses(&self) -> Vec<String> {
        self.http.addresses()
    }

    /// As [`http::Client::send`].
    pub async fn send(&self, call: &Call<'_>) -> Result<Answer> {
        self.http.send(call).await
    }

    /// As [`http::Client::json`].
    pub async fn json<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T> {
        self.http.json(call).await
    }

    /// The product and version that answers; asked once.
    ///
    /// # Errors
    /// `Config` for a server that is neither product, or older than Elasticsearch 7.10 or OpenSearch 1.3.
    pub async fn engine(&self) -> Result<&Engine> {
        self.engine.get_or_try_init(|| self.ask_engine()).await
    }

    async fn ask_engine(&self) -> Result<Engine> {
        let doing = "cannot ask for the version";
        let answer = self.send(&Call::new(doing, Method::GET, "", Body::None)).await?;
        let root: Value = answer.json(doing)?;
        let engine = Engine::from_root(&root).ok_or_else(|| {
            answer.error(Kind::Config, doing).because("this is neither an Elasticsearch nor an OpenSearch")
        })?;
        if !engine.is_supported() {
            let cause = format!("{engine} is too old: 7.10 (OpenSearch 1.3) is the oldest that can be used");
            return Err(answer.error(Kind::Config, doing).because(cause));
        }
        Ok(engine)
    }
}
