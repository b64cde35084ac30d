//! A real browser for the tests: headless Chromium, driven over the DevTools protocol.
//!
//! In: a file. Out: a [`Page`] to query and type into. Chromium reads its commands from a pipe, so that no port is
//! open and no client library is needed. Without Chromium a test fails and says what to install.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// Names under which distributions install Chromium.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// A page in a browser of its own, which ends when this is dropped.
pub struct Page {
    browser: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    session: Option<String>,
    asked: u64,
    /// Errors of scripts, and violations of the content security policy.
    pub complaints: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Page {
    /// Opens a file and waits until it is loaded.
    pub fn open(file: &Path) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let found = NAMES.iter().find_map(|name| Self::start(name, profile.path()));
        let mut browser = found.expect("no Chromium: `apt-get install chromium`");
        let (orders, answers) = (browser.stdin.take().unwrap(), BufReader::new(browser.stdout.take().unwrap()));
        let (session, asked, complaints) = (None, 0, Vec::new());
        let mut page = Self { browser, orders, answers, session, asked, complaints, _profile: profile };
        let target = page.call("Target.createTarget", json!({"url": "about:blank"}))["targetId"].clone();
        let attached = page.call("Target.attachToTarget", json!({"targetId": target, "flatten": true}));
        page.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable", "Network.enable"] {
            page.call(domain, json!({}));
        }
        page.call("Page.navigate", json!({"url": format!("file://{}", file.display())}));
        page.until("document.readyState === 'complete'");
        page
    }

    fn start(name: &str, profile: &Path) -> Option<Child> {
        // Chromium's pipe uses descriptors 3 and 4, which the shell makes from its standard input and output.
        let mut shell = Command::new("sh");
        shell.args([
            "-c",
            r#"command -v "$0" >/dev/null && exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#,
            name,
        ]);
        shell.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
        shell.arg("--remote-debugging-pipe").arg(format!("--user-data-dir={}", profile.display()));
        let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        std::thread::sleep(std::time::Duration::from_millis(300));
        child.try_wait().ok()?.is_none().then_some(child)
    }

    /// Sends one command and returns its answer.
    #[track_caller]
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let mut order = json!({"id": self.asked, "method": method, "params": params});
        if let Some(session) = &self.session {
            order["sessionId"] = session.as_str().into();
        }
        self.orders.write_all(format!("{order}\0").as_bytes()).unwrap();
        loop {
            let mut bytes = Vec::new();
            self.answers.read_until(0, &mut bytes).unwrap();
            assert_eq!(bytes.pop(), Some(0), "the browser went away at {method}");
            let mut answer: Value = serde_json::from_slice(&bytes).unwrap();
            if answer["id"] == self.asked {
                assert_eq!(answer["error"], Value::Null, "{method}");
                return answer["result"].take();
            }
            self.note(&answer);
        }
    }

    /// Records events that should not happen: errors, refused scripts, requests to the network.
    fn note(&mut self, event: &Value) {
        let method = event["method"].as_str().unwrap_or_default();
        let url = event["params"]["request"]["url"].as_str().unwrap_or_default();
        let is_request = method == "Network.requestWillBeSent" && !url.starts_with("file:") && url != "about:blank";
        if is_request || matches!(method, "Runtime.exceptionThrown" | "Log.entryAdded" | "Page.javascriptDialogOpening")
        {
            self.complaints.push(event.to_string());
        }
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub fn value(&mut self, expression: &str) -> Value {
        let params =
            json!({"expression": expression, "returnByValue": true, "awaitPromise": true, "userGesture": true});
        let mut answer = self.call("Runtime.evaluate", params);
        assert_eq!(answer["exceptionDetails"], Value::Null, "{expression}");
        answer["result"]["value"].take()
    }

    /// The text of an expression in the page.
    #[track_caller]
    pub fn text(&mut self, expression: &str) -> String {
        let value = self.value(expression);
        value.as_str().unwrap_or_else(|| panic!("{expression} is {value}")).to_owned()
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub fn until(&mut self, expression: &str) {
        for _ in 0..600 {
            if self.value(expression) == true {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("never: {expression}");
    }

    /// Presses and releases a key where the focus is.
    pub fn press(&mut self, key: &str, code: u32, text: &str) {
        for kind in ["keyDown", "keyUp"] {
            let mut params = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            if kind == "keyDown" && !text.is_empty() {
                params["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", params);
        }
    }

    /// Types text where the focus is.
    pub fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
    }

    /// Sets the colour scheme of the system and the width of the window in CSS pixels.
    pub fn look(&mut self, scheme: &str, width: u32) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}));
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// A screenshot of the whole page as PNG.
    pub fn picture(&mut self) -> Vec<u8> {
        let answer = self.call("Page.captureScreenshot", json!({"format": "png", "captureBeyondViewport": true}));
        BASE64_STANDARD.decode(answer["data"].as_str().unwrap()).unwrap()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        _ = self.browser.kill();
        _ = self.browser.wait();
    }
}
