import Kernels

/// Hosts that are joined by a network, as a plan sees them.
package struct Cluster: Sendable, Equatable {
  package var hosts: Int
  package var ranksPerHost: Int
  /// Of each rank.
  package var threads: Int
  /// Of each host; below 1 where hosts share the cores of one machine.
  package var cores: Double
  /// Bits a second that a host sends and, at the same time, receives.
  package var bandwidth: Double
  /// Seconds from host to host.
  package var latency: Double
  package var costs = TransferCosts()
  /// Where the hosts are those of `launch/lab`: the cores of the machine, which they and the switch
  /// between them share.
  package var laboratoryCores: Int?
  /// CPU seconds of that switch for a byte, where they are known.
  package var measuredSwitchSecondsPerByte: Double?

  package init(
    hosts: Int, ranksPerHost: Int, threads: Int, cores: Double, bandwidth: Double, latency: Double
  ) {
    self.hosts = hosts
    self.ranksPerHost = ranksPerHost
    self.threads = threads
    self.cores = cores
    self.bandwidth = bandwidth
    self.latency = latency
  }

  package var ranks: Int { hosts * ranksPerHost }

  /// What part of a core a thread has.
  package var coreShare: Double { min(1, cores / Double(ranksPerHost * threads)) }

  /// Seconds that a byte of payload takes on the cable, with the headers of full frames.
  package var wireSecondsPerByte: Double {
    bandwidth > 0 ? 8 / (bandwidth * TransferCosts.payloadPart) : 0
  }

  /// Seconds that a byte which a host sends, and one that it receives, take from computing.
  package var movingSecondsPerByte: Double {
    (costs.tcpSecondsPerByte + disturbancePerByte) / coreShare + switchLoadPerByte
  }

  /// CPU seconds that computing on a laboratory's shared cores loses for a byte to all that small
  /// frames bring along: preemption, cold caches, more calls of MPI and the kernel.
  package var disturbancePerByte: Double {
    laboratoryCores == nil
      ? 0 : costs.disturbanceSecondsPerByte + costs.disturbanceSecondsPerFrame / frameBytes
  }

  /// Seconds a byte from host to host takes where nothing is computed: on the cable, or where the
  /// cores that feed it, or the one thread of a laboratory's switch, are slower.
  package var transferSecondsPerByte: Double {
    let cores = costs.tcpSecondsPerByte / min(1, cores)
    guard laboratoryCores != nil else { return max(wireSecondsPerByte, cores) }
    return max(
      wireSecondsPerByte, cores + switchLoadPerByte, Double(hosts) * switchSecondsPerByte)
  }

  /// What a laboratory's switch takes from computing for a byte of every host: nothing where it has
  /// a core to itself; else as much of each core, on which it takes turns.
  private var switchLoadPerByte: Double {
    guard let laboratoryCores, hosts >= laboratoryCores else { return 0 }
    return Double(hosts) * switchSecondsPerByte / Double(laboratoryCores)
  }

  /// CPU seconds of a laboratory's switch for a byte: what was measured, or copies and a frame's
  /// part.
  package var switchSecondsPerByte: Double {
    if let measuredSwitchSecondsPerByte { return measuredSwitchSecondsPerByte }
    return costs.switchSecondsPerByte + costs.switchSecondsPerFrame / frameBytes
  }

  /// A laboratory's frame holds what the cable carries in a quarter of a millisecond, as
  /// `launch/lab` sets it.
  private var frameBytes: Double {
    bandwidth > 0 ? min(max(bandwidth / 8 * 0.00025, 1500), 65_536) : 65_536
  }

  /// The same cluster with another number of ranks: fewer hosts, or more of the same.
  package func resized(ranks: Int) -> Cluster {
    var other = self
    other.hosts = max(1, (ranks + ranksPerHost - 1) / ranksPerHost)
    if ranks < ranksPerHost {
      other.ranksPerHost = ranks
    }
    if let laboratoryCores { other.cores = Double(laboratoryCores) / Double(other.hosts) }
    return other
  }
}

/// What moving bytes costs besides the cable.
package struct TransferCosts: Sendable, Equatable {
  /// CPU seconds for a byte that one process sends to another over TCP on one core: both sides.
  package var tcpSecondsPerByte = 4e-10
  /// Seconds for a byte that ranks of one host exchange and add.
  package var memorySecondsPerByte = 2.5e-10
  /// Seconds that MPI and the kernels on both sides take for a message.
  package var messageSeconds = 3e-5
  /// CPU seconds of a laboratory's switch for a byte, and for a frame and its acknowledgement.
  package var switchSecondsPerByte = 2e-10
  package var switchSecondsPerFrame = 5e-5
  /// Fitted to steps on two and four hosts at 1 Gbit/s.
  package var disturbanceSecondsPerByte = 1.2e-9
  package var disturbanceSecondsPerFrame = 4e-5

  /// 1,448 bytes of payload in a frame that takes 1,538 on the cable.
  package static let payloadPart = 1448.0 / 1538.0
  /// Longer messages ask first: Open MPI's eager limit for TCP, as `MPICollectives` sets it.
  package static let eagerBytes = 1_048_576.0

  package init() {}
}
