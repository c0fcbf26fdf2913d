extension Config {
  /// Checks that groups of shards can train apart, and that nothing falls between two rounds.
  func checkLocalUpdates(_ place: ConfigPlace) throws(ConfigError) {
    guard exchange.isLocal else { return }
    try checkLocalGroups(place)
    if exchange.compression != .none {
      throw place.failure(
        "exchange.compression",
        "rounds gradients on their way, and with "
          + "exchange.synchronize_every no gradients are sent",
        hint: "set it to \"none\", or exchange.synchronize_every to 0")
    }
    if optimizer.averages {
      throw place.failure(
        optimizer.name == .asgd ? "optimizer.name" : "optimizer.ema_decay",
        "keeps a mean of the parameters after every update, and with exchange.synchronize_every "
          + "groups of shards have parameters of their own",
        hint: optimizer.name == .asgd ? "set it to \"sgd\"" : "set it to 0")
    }
    if run.recomputeEvery > 0 {
      throw place.failure(
        "run.recompute_every",
        "has gradients computed again by another rank, which with "
          + "exchange.synchronize_every does not have the parameters that they are of",
        hint: "set it to 0")
    }
    if run.onNonFinite == .skip {
      throw place.failure(
        "run.on_nonfinite",
        "leaves an update of all shards out, and with "
          + "exchange.synchronize_every groups of shards make updates of their own",
        hint: "set it to \"stop\"")
    }
    for (key, period) in [
      ("run.steps", run.steps), ("run.log_every", run.logEvery),
      ("run.validate_every", run.validateEvery), ("run.checkpoint_every", run.checkpointEvery),
    ] { try checkPeriod(key, period, place) }
  }

  private func checkLocalGroups(_ place: ConfigPlace) throws(ConfigError) {
    let groups = exchange.localGroups
    guard !batch.canCutShards(into: groups) else { return }
    let possible = (1...batch.shards).filter { batch.canCutShards(into: $0) }
    throw place.failure(
      "exchange.local_groups",
      groups == 0
        ? "exchange.synchronize_every needs it, because the trajectory depends on it"
        : "\(groups) groups do not cut \(batch.shards) shards at nodes of the canonical tree",
      hint: "set it to the number of ranks; with batch.shards \(batch.shards) possible are "
        + shortList(possible))
  }

  /// Checks that what is done from time to time is due at the end of a round.
  private func checkPeriod(
    _ key: String, _ period: Int, _ place: ConfigPlace
  ) throws(ConfigError) {
    let round = exchange.synchronizeEvery
    if period.isMultiple(of: round) { return }
    let below = period / round * round
    let (above, isTooLarge) = below.addingReportingOverflow(round)
    throw place.failure(
      key, "expected a multiple of exchange.synchronize_every, which is \(round), found \(period)",
      hint: "the nearest are "
        + [below > 0 ? "\(below)" : nil, isTooLarge ? nil : "\(above)"].compactMap { $0 }
        .joined(separator: " and ")
        + (key == "run.steps" ? "" : "; 0 is never"))
  }
}
