//! The HTML page in a real browser.

use super::{NOW, browser::Page, demo, hostile, report};
use crate::common::Workspace;

fn page_of_the_demo() -> (Workspace, Page) {
    let workspace = demo();
    let file = workspace.file("report.html");
    report(&workspace, &["--html", file.to_str().unwrap()]);
    let page = Page::open(&file);
    (workspace, page)
}

/// Names of the visible rows of a table.
fn rows(page: &mut Page, table: &str) -> Vec<String> {
    let expression = format!(
        "[...document.querySelectorAll('#{table} tbody tr:not([hidden]) th')].map(th => th.textContent).join('\\n')"
    );
    page.text(&expression).lines().map(str::to_owned).collect()
}

/// Numbers in a column of the visible rows.
fn numbers(page: &mut Page, table: &str, column: u32) -> Vec<f64> {
    let expression = format!(
        "[...document.querySelectorAll('#{table} tbody tr:not([hidden]) > :nth-child({column})')].map(td => Number(td.dataset.v))"
    );
    page.value(&expression).as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect()
}

#[test]
fn the_page_renders_filters_and_sorts_and_asks_nobody() {
    let (_workspace, mut page) = page_of_the_demo();
    assert!(page.text("document.querySelector('.figure .value').textContent").parse::<u64>().unwrap() > 100);
    assert_eq!(page.value("document.querySelectorAll('#volume svg g').length > 2"), true);
    assert_eq!(
        page.value("document.querySelector('#volume svg g rect:last-child').getBoundingClientRect().height > 0"),
        true
    );

    // Ten rows at first, all on demand, fewer with a filter.
    assert_eq!(rows(&mut page, "senders").len(), 10);
    page.value("document.querySelector('#senders .more').click()");
    let all = rows(&mut page, "senders");
    assert!(all.len() > 10, "{all:?}");
    let one = all[7].clone();
    page.value("document.querySelector('#senders input').focus()");
    page.type_text(&one);
    let found = rows(&mut page, "senders");
    assert!(found.contains(&one) && found.len() < all.len(), "{found:?}");
    assert_eq!(
        page.text("document.querySelector('#senders .found').textContent"),
        format!("{} of {} rows", found.len(), all.len())
    );

    // Sorts by number, down and up, and by name.
    let sort = |page: &mut Page, n: u32| {
        page.value(&format!("document.querySelector('#clients thead th:nth-child({n}) button').click()"))
    };
    let is_falling = |n: &[f64]| n.windows(2).all(|pair| pair[0] >= pair[1]);
    assert!(is_falling(&numbers(&mut page, "clients", 2)));
    sort(&mut page, 2);
    let mut rising = numbers(&mut page, "clients", 2);
    rising.reverse();
    assert!(is_falling(&rising));
    assert_eq!(page.text("document.querySelector('#clients th:nth-child(2)').getAttribute('aria-sort')"), "ascending");
    sort(&mut page, 1);
    let names = rows(&mut page, "clients");
    let mut sorted = names.clone();
    sorted.sort_by_key(|name| name.to_lowercase());
    assert_eq!(names.first(), sorted.first());
    assert_eq!(page.value("document.querySelectorAll('#clients [aria-sort]').length"), 1);
    assert_eq!(page.complaints, Vec::<String>::new());
}

#[test]
fn the_keyboard_reaches_the_transactions_and_comes_back() {
    let (workspace, mut page) = page_of_the_demo();
    page.press("Tab", 9, "");
    assert_eq!(page.text("document.activeElement.className"), "skip");
    page.value("document.querySelector('#relays tbody button').focus()");
    page.press("Enter", 13, "\r");
    assert_eq!(page.value("document.querySelector('dialog').open"), true);
    let command = page.text("document.querySelector('dialog code').textContent");
    let id = command.strip_prefix("mailstitch trace ").unwrap();
    let traced = workspace.succeed(["--config", "examples/demo/demo.toml", "trace", id]);
    let queue_id = page.text("document.querySelector('dialog li .soft').textContent.split(' ').pop()");
    assert!(traced.contains(&queue_id), "{queue_id} is not in\n{traced}");
    page.press("Escape", 27, "");
    assert_eq!(page.value("document.querySelector('dialog').open"), false);
    assert_eq!(page.value("document.activeElement === document.querySelector('#relays tbody button')"), true);
    assert_eq!(page.complaints, Vec::<String>::new());
}

#[test]
fn what_a_screen_reader_needs_is_there() {
    let (_workspace, mut page) = page_of_the_demo();
    for (what, nothing_lacks_it) in [
        (
            "a name of each control",
            "[...document.querySelectorAll('button, input')].filter(e => !e.hidden && !e.closest('dialog') && !(e.textContent.trim() || e.getAttribute('aria-label')))",
        ),
        ("a caption of each table", "[...document.querySelectorAll('table')].filter(t => !t.caption?.textContent)"),
        ("a scope of each header", "[...document.querySelectorAll('th')].filter(th => !th.scope)"),
        (
            "a description of each picture",
            "[...document.querySelectorAll('svg')].filter(s => !(s.ariaLabel || s.ariaHidden))",
        ),
        (
            "one id for one thing",
            "[...document.querySelectorAll('[id]')].filter((e, n, all) => all.findIndex(o => o.id === e.id) !== n)",
        ),
    ] {
        assert_eq!(page.value(&format!("{nothing_lacks_it}.length")), 0, "{what}");
    }
    assert_eq!(page.text("document.documentElement.lang"), "en");
    assert_eq!(page.value("document.querySelectorAll('h1').length"), 1);
}

#[test]
fn light_and_dark_follow_the_system_and_the_switch() {
    let (_workspace, mut page) = page_of_the_demo();
    let ground = |page: &mut Page| page.text("getComputedStyle(document.body).backgroundColor");
    page.look("light", 1200);
    let light = ground(&mut page);
    page.look("dark", 1200);
    let dark = ground(&mut page);
    assert_ne!(light, dark);
    page.value("document.querySelector('#theme').click()");
    assert_eq!(
        (page.text("document.querySelector('#theme').textContent"), ground(&mut page)),
        ("Colours: light".into(), light)
    );
    page.value("document.querySelector('#theme').click()");
    page.look("light", 1200);
    assert_eq!(ground(&mut page), dark);
    // Guards against a forgotten colour: dark text on a dark background.
    assert_ne!(page.text("getComputedStyle(document.body).color"), dark);
    let picture = page.picture();
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 20_000, "{}", picture.len());
}

#[test]
fn a_phone_scrolls_tables_and_not_the_page() {
    let (_workspace, mut page) = page_of_the_demo();
    page.look("light", 375);
    assert_eq!(page.value("document.documentElement.scrollWidth"), 375);
    assert_eq!(page.value("document.querySelector('#volume svg').getBoundingClientRect().width > 200"), true);
}

#[test]
fn markup_of_the_log_stays_text() {
    let workspace = hostile();
    let file = workspace.file("report.html");
    workspace.succeed(["--now", NOW, "--config", "c.toml", "report", "--html", file.to_str().unwrap()]);
    let mut page = Page::open(&file);
    assert_eq!(page.value("document.querySelectorAll('script').length"), 2);
    assert_eq!(
        page.value(
            "document.querySelectorAll('img, iframe, link, [onmouseover], [onerror], a[href^=javascript]').length"
        ),
        0
    );
    assert!(rows(&mut page, "senders").contains(&"<script>document.title='owned'</script>@example.org".to_owned()));
    // Also in the transactions of each row.
    let rows = page.value("document.querySelectorAll('[data-b]').length").as_u64().unwrap();
    assert!(rows > 30, "{rows}");
    for row in 0..rows {
        page.value(&format!(
            "document.querySelectorAll('[data-b]')[{row}].dispatchEvent(new MouseEvent('click', {{bubbles: true}}))"
        ));
        assert_eq!(page.value("document.querySelectorAll('dialog script, dialog img').length"), 0);
        page.value("document.querySelector('dialog').close()");
    }
    assert!(page.text("document.title").starts_with("Mail from "));
    assert_eq!(page.complaints, Vec::<String>::new());
}
