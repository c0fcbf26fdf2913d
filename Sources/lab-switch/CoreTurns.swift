#if os(Linux)
  internal import CPlatform

  /// Has a thread take turns on all cores, so that none of the hosts that compute on them pays for
  /// the network alone. Between machines the network takes as much from each.
  struct CoreTurns {
    /// Nanoseconds on a core before the next one: several turns in a training step.
    private static let turn: UInt64 = 10_000_000

    /// Of the cores this thread could run on at first.
    private let cores: [Int32]
    private var place = 0
    private var end: UInt64 = 0

    /// - Parameter hosts: with fewer than there are cores, the thread has a core to itself, and
    ///   stays where it is put.
    init(hosts: Int) {
      let cores = Array(
        sequence(first: platform_next_core(-1)) { platform_next_core($0) }.prefix { $0 >= 0 })
      self.cores = hosts >= cores.count ? cores : []
    }

    /// Moves to the next core when it is time.
    mutating func take(at now: UInt64) {
      guard cores.count > 1, now >= end else { return }
      end = now + Self.turn
      place = (place + 1) % cores.count
      // Where it may not, it stays: the hosts then pay in unequal parts.
      _ = platform_move_to_core(cores[place])
    }
  }
#endif
