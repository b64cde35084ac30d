//! The HTTP client according to the settings: authorities, client certificate, timeouts.
//!
//! Left alone: redirects. A server's API sends none, and following one would send the password elsewhere.

use crate::{
    config::Connection,
    error::{Error, Kind, Result},
};
use reqwest::{Certificate, ClientBuilder, Identity, redirect::Policy};
use std::{path::Path, time::Duration};

/// Longest wait for a connection to be established.
const CONNECT: Duration = Duration::from_secs(10);

/// Bundles of the authorities that the system trusts, on Debian, Red Hat, SUSE and BSD.
const SYSTEM_AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// `compressed`: ask for gzip, which pays off over a network and halves the throughput on the same machine.
pub(super) fn http_client(connection: &Connection, compressed: bool) -> Result<reqwest::Client> {
    let builder = || -> Result<ClientBuilder> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("mailstitch/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .gzip(compressed)
            .connect_timeout(CONNECT.min(connection.timeout))
            .read_timeout(connection.timeout)
            .danger_accept_invalid_certs(!connection.tls_verify);
        if let Some(path) = &connection.ca_file {
            for authority in authorities(path)? {
                builder = builder.add_root_certificate(authority);
            }
        }
        if let Some(identity) = identity(connection)? {
            builder = builder.identity(identity);
        }
        Ok(builder)
    };
    // An invalid certificate in the system's bundle must not block servers that need none of them.
    let with_system = system_authorities().into_iter().fold(builder()?, ClientBuilder::add_root_certificate);
    with_system.build().or_else(|_| builder()?.build().map_err(|cause| unusable("set up the connection", cause)))
}

/// The authorities that the system trusts, in addition to the well-known ones that are compiled in.
fn system_authorities() -> Vec<Certificate> {
    let bundle = SYSTEM_AUTHORITIES.iter().find_map(|path| std::fs::read(path).ok());
    bundle.and_then(|pem| Certificate::from_pem_bundle(&pem).ok()).unwrap_or_default()
}

fn authorities(path: &Path) -> Result<Vec<Certificate>> {
    let doing = format!("use `ca_file` `{}`", path.display());
    let found = Certificate::from_pem_bundle(&read(path)?).map_err(|cause| unusable(&doing, cause))?;
    if found.is_empty() {
        return Err(Error::new(Kind::Config, format!("cannot {doing}")).because("it holds no certificate in PEM form"));
    }
    Ok(found)
}

fn identity(connection: &Connection) -> Result<Option<Identity>> {
    let (certificate, key) = match (&connection.client_cert_file, &connection.client_key_file) {
        (Some(certificate), Some(key)) => (certificate, key),
        (None, None) => return Ok(None),
        _ => {
            return Err(Error::new(Kind::Config, "cannot use a client certificate")
                .because("`client_cert_file` and `client_key_file` belong together"));
        }
    };
    let mut pem = read(key)?;
    pem.push(b'\n');
    pem.extend(read(certificate)?);
    let doing = format!("use the client certificate `{}`", certificate.display());
    Identity::from_pem(&pem).map(Some).map_err(|cause| unusable(&doing, cause))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|cause| Error::io(format!("cannot read `{}`", path.display()), &cause))
}

fn unusable(doing: &str, cause: reqwest::Error) -> Error {
    Error::new(Kind::Config, format!("cannot {doing}")).because(cause.without_url())
}
