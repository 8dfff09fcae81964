//! What an entry says about the places that it delivers to.

use std::os::unix::fs::PermissionsExt as _;

use access_tokens::Secret;

use crate::support::World;

fn entry(deliver: &str) -> String {
    format!(
        "[tokens.t]\naccount = \"prod\"\ncreate = {{ role = \"reader\" }}\nmax_age = \"30d\"\n\
         overlap = \"1d\"\ndeliver = [{deliver}]\n"
    )
}

#[tokio::test]
async fn a_dotenv_file_is_written_as_the_entry_says() {
    let world = World::start().await;
    // A shell would stumble over the first line, so a file for all readers is refused.
    let other = "FROM=Us <us@example.com>\n";
    std::fs::write(world.path("app.env"), other).unwrap();
    let permissions = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(world.path("app.env"), permissions).unwrap();
    let to = "to = \"dotenv:app.env#LD_TOKEN\"";
    let form = "mode = \"0640\", write = \"in-place\"";

    let now = ["--output", "json", "tick", "t"];
    let group = "group = \"no-such-group-here\", readers = \"libraries\"";
    world.configure(&entry(&format!("{{ {to}, {group} }}")));
    let refused = world.run(&now);
    assert_eq!(refused.outcome("t")["error"]["kind"], "sink", "{refused:?}");
    assert!(refused.out.contains("no-such-group-here"), "{refused:?}");

    world.configure(&entry(&format!("{{ {to}, {form} }}")));
    let refused = world.run(&now);
    assert_eq!(refused.outcome("t")["error"]["kind"], "sink", "{refused:?}");
    assert_eq!(world.read("app.env"), other);

    let readers = "readers = \"libraries\"";
    world.configure(&entry(&format!("{{ {to}, {form}, {readers} }}")));
    let done = world.run(&now);
    assert_eq!(done.outcome("t")["outcome"], "rotated", "{done:?}");
    let text = world.read("app.env");
    let (before, value) = text.split_once("LD_TOKEN=").unwrap();
    assert_eq!(before, other);
    assert!(world.ld.authenticates(&Secret::new(value.trim())));
    let facts = std::fs::metadata(world.path("app.env")).unwrap();
    assert_eq!(facts.permissions().mode() & 0o777, 0o640);
}

#[tokio::test]
async fn what_a_command_has_certainly_not_stored_is_removed_at_once() {
    let command = "to = \"command:sh -c 'cat >/dev/null; exit 77'\"";
    for (statuses, left) in [("", 1), (", not_stored_on = [3, 77]", 0)] {
        let world = World::start().await;
        let before = world.ld.tokens().len();
        world.configure(&entry(&format!("{{ {command}{statuses} }}")));
        let failed = world.tick();
        assert_eq!(failed.outcome("t")["outcome"], "failed", "{failed:?}");
        let made = world.ld.requests().into_iter();
        assert_eq!(made.filter(|one| one.method == "POST").count(), 1);
        assert_eq!(world.ld.tokens().len() - before, left, "{statuses}");
    }
}
