//! `docker::`

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map};

/// Containers, images, networks, volumes and compose projects of the docker engine on the host.
#[export_module]
pub mod docker {
    /// Keeps a container running, and makes it anew when what it is made of changes.
    ///
    /// `want` takes `image`, `ports` (`"8080:80"`, `"127.0.0.1:53:53/udp"`), `env` (a map; may hold secrets), `volumes`
    /// (`"data:/var/lib/app:ro"`), `networks` (names), `restart` ("no", "always", "unless-stopped", "on-failure:3"),
    /// `command` (an array of words, or a text for `/bin/sh -c`), `labels` (a map), `options` (further words for
    /// `docker create`), `pull` (true: ask the registry for a newer image before a container is made), `force` (true:
    /// replace a container that others made) and `present` (false: no such container).
    /// The order of ports, volumes, networks and map entries does not matter. A newer image on the host counts as a
    /// change. When a new container does not start, the one before comes back, and the operation fails.
    ///
    /// ```rhai
    /// docker::container("web", #{ image: "nginx:1.27", ports: ["80:80"], volumes: ["/srv/www:/usr/share/nginx/html:ro"] });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn container(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "docker::container", name, want)
    }

    /// Keeps an image in the engine's store.
    ///
    /// `want` takes `archive` (path on the host of what `docker save` wrote; pulled from its registry when left out)
    /// and `present` (false: no such image). Fails when the registry or the archive does not have it.
    ///
    /// ```rhai
    /// docker::image("postgres:17", #{});
    /// ```
    #[rhai_fn(return_raw)]
    pub fn image(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "docker::image", name, want)
    }

    /// Keeps an image in the engine's store, from its registry.
    #[rhai_fn(name = "image", return_raw)]
    pub fn image_plain(ctx: NativeCallContext, name: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "docker::image", name, Map::new())
    }

    /// Keeps a network.
    ///
    /// `want` takes `driver` (default "bridge"), `subnet` ("10.9.0.0/24"), `internal` (true: no way out), `labels` (a
    /// map) and `present`. Fails when it is there with another driver or subnet: networks cannot be changed.
    ///
    /// ```rhai
    /// docker::network("front", #{ subnet: "10.9.0.0/24" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn network(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "docker::network", name, want)
    }

    /// Keeps a network with the engine's defaults.
    #[rhai_fn(name = "network", return_raw)]
    pub fn network_plain(ctx: NativeCallContext, name: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "docker::network", name, Map::new())
    }

    /// Keeps a volume.
    ///
    /// `want` takes `driver` (default "local"), `labels` (a map) and `present` (false: it is removed with its data).
    /// Fails when it is there with another driver, or is to be removed and in use.
    ///
    /// ```rhai
    /// docker::volume("data", #{ labels: #{ backup: "daily" } });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn volume(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "docker::volume", name, want)
    }

    /// Keeps a volume of the driver "local".
    #[rhai_fn(name = "volume", return_raw)]
    pub fn volume_plain(ctx: NativeCallContext, name: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "docker::volume", name, Map::new())
    }

    /// Keeps a compose project up as its files describe it.
    ///
    /// `want` takes `dir` (folder on the host), `files` (an array, from `dir`; default: as compose finds them), `env` (a
    /// map for the variables in the files; may hold secrets), `pull` (true: pull images before an `up` that is due),
    /// `build` (true: build images then), `remove_orphans` (true: containers of services that are gone from the files
    /// are removed; default false) and `present` (false: containers and networks are removed, volumes stay).
    /// Changed only when a service is missing, stopped, differs from its configuration, or its image is newer on the
    /// host. Takes `docker compose` or `docker-compose`. In a plan, unknown behind other changes.
    ///
    /// ```rhai
    /// docker::compose("shop", #{ dir: "/opt/shop", env: #{ TAG: "2.1" } });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn compose(ctx: NativeCallContext, project: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "docker::compose", project, want)
    }
}
