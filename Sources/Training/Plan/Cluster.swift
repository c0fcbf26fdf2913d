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

  /// The same cluster with another number of ranks: fewer hosts, or more of the same.
  package func resized(ranks: Int) -> Cluster {
    var other = self
    other.hosts = max(1, (ranks + ranksPerHost - 1) / ranksPerHost)
    if ranks < ranksPerHost {
      other.ranksPerHost = ranks
    }
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

  /// 1,448 bytes of payload in a frame that takes 1,538 on the cable.
  package static let payloadPart = 1448.0 / 1538.0
  /// Longer messages ask first: Open MPI's eager limit for TCP.
  package static let eagerBytes = 1_048_576.0

  package init() {}
}
