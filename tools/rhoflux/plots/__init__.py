"""The subcommands of rhoflux-plot: `commands` declares their options, and the module of the same name draws each."""
