import Cells
package import GRUCore
import Kernels
import Records

/// Predicts a step's time on a cluster. docs/scaling.md derives the formulas.
package struct ScaleModel: Sendable {
  /// A part of the model that is exchanged by itself, and the computing that goes before it in the
  /// backward pass or follows it in the forward pass.
  package struct Part: Sendable, Equatable {
    package var bytes: Double
    /// Of the work of the pass.
    package var work: Double
  }

  /// In the order of the backward pass, by its stages.
  package let backwardParts: [Part]
  /// In the order of the forward pass, by the layer that reads the parameters.
  package let forwardParts: [Part]
  package let cost: StepCost
  /// What it costs threads to share a shard; nil for nothing.
  package let sharing: SharingCost?
  package let shards: Int
  package let tokensPerStep: Int
  /// Whether the exchange of a layer goes on during the passes of the others.
  package var overlaps: Bool
  /// Batches whose gradients one update sums; each has an exchange of its own.
  package let accumulation: Int
  /// Of how many groups of shards gradients travel as bf16, and the parameters' changes with them;
  /// 0 where all travel as fp32.
  package let compressionGroups: Int

  package init(
    shape: ModelShape, table: ParameterTable, cost: StepCost, shards: Int, tokensPerStep: Int,
    overlaps: Bool, accumulation: Int = 1, compressionGroups: Int = 0,
    sharing: SharingCost? = nil
  ) {
    let work = Self.layerWork(shape: shape, table: table)
    backwardParts = Self.backwardParts(shape: shape, table: table, work: work)
    forwardParts = Self.forwardParts(shape: shape, table: table, work: work)
    self.cost = cost
    self.sharing = sharing
    self.shards = shards
    self.tokensPerStep = tokensPerStep
    self.overlaps = overlaps
    self.accumulation = accumulation
    self.compressionGroups = compressionGroups
  }

  /// Seconds of one step, and what they are made of.
  package struct Prediction: Sendable, Equatable {
    package var ranks: Int
    package var hosts: Int
    package var computeSeconds: Double
    /// The reduce-scatter of gradients and the all-gather of parameters, alone on the network.
    package var reduceSeconds: Double
    package var gatherSeconds: Double
    /// The small exchange of loss, norm and requests, which nothing hides.
    package var agreementSeconds: Double
    /// What of all three no computing hides.
    package var exposedSeconds: Double
    /// What the rest takes from computing: cores move the bytes.
    package var movingSeconds: Double
    package var tokensPerSecond: Double
    /// Tokens a second over those of one core times the cores.
    package var efficiency: Double

    package var stepSeconds: Double { computeSeconds + movingSeconds + exposedSeconds }
    package var exposedFraction: Double { exposedSeconds / stepSeconds }
    /// All of the exchange, hidden or not.
    package var exchangeSeconds: Double { reduceSeconds + gatherSeconds + agreementSeconds }
  }

  /// The config's own batch on a cluster.
  ///
  /// Where there are more ranks than shards, the batch is thought to be cut into as many; threads
  /// share shards.
  package func strong(_ cluster: Cluster) -> Prediction {
    let cut = max(shards, cluster.ranks)
    return predict(cluster, shards: cut, part: Double(shards) / Double(cut), growth: 1)
  }

  /// A batch that grows with the workers, each keeping what `base` gives it.
  package func weak(_ cluster: Cluster, base: Cluster) -> Prediction {
    let workers = base.ranks * base.threads
    let ofRank =
      workers <= shards ? shards / workers * cluster.threads : max(1, shards / base.ranks)
    let cut = cluster.ranks * ofRank
    return predict(cluster, shards: cut, part: 1, growth: Double(cut) / Double(shards))
  }

  /// Seconds that each thread computes. A worker's threads share what one would do.
  private func computing(_ plan: ShardPlan, part: Double) -> [Double] {
    (0..<plan.workers).flatMap { worker in
      let alone = cost.seconds(shards: Double(plan.shards(ofWorker: worker).count) * part)
      let threads = plan.threads(ofWorker: worker).count
      let seconds =
        sharing?.seconds(alone, threads: threads) ?? alone / Double(threads)
      return [Double](repeating: seconds, count: threads)
    }
  }

  /// - Parameter part: of a shard of the measured size, that each is.
  private func predict(
    _ cluster: Cluster, shards cut: Int, part: Double, growth: Double
  ) -> Prediction {
    let seconds = computing(
      ShardPlan(sequences: cut, shards: cut, ranks: cluster.ranks, threads: cluster.threads),
      part: part)
    let compute =
      cluster.laboratoryCores.map { Self.sharedSeconds(seconds, cores: Double($0)) }
      ?? (seconds.max() ?? 0) / cluster.coreShare
    let nodes = nodesPerRank(cluster.ranks, threads: cluster.threads, shards: cut)
    let reduce = backwardParts.map { reduceSeconds($0.bytes, on: cluster, nodes: nodes) }
    let gather = forwardParts.map { gatherSeconds($0.bytes, on: cluster, nodes: nodes) }
    let agreement = Double(Self.rounds(cluster.ranks)) * messageSeconds(64, on: cluster, bytes: 64)
    let batches = Double(accumulation)
    let reducing = batches * reduce.reduce(0, +)
    let whole = reducing + gather.reduce(0, +)
    let bytes = backwardParts.reduce(0) { $0 + $1.bytes }
    let allMoving = movingSeconds(bytes, on: cluster, nodes: nodes)
    var exposed = whole
    var moving = 0.0
    if overlaps, whole > 0 {
      // What is hidden makes computing longer, which hides a little more.
      for _ in 0..<8 {
        let passes = (compute + moving) / batches
        exposed =
          batches * exposedReduction(reduce, backward: passes * 2 / 3)
          + exposedGathering(gather, forward: passes / 3)
        moving = (1 - exposed / whole) * allMoving
      }
    }
    let step = compute + moving + exposed + agreement
    let tokens = Double(tokensPerStep) * growth / step
    let alone = Double(tokensPerStep) / cost.seconds(shards: Double(shards))
    let cores = Double(cluster.ranks * cluster.threads) * cluster.coreShare
    return Prediction(
      ranks: cluster.ranks, hosts: cluster.hosts, computeSeconds: compute,
      reduceSeconds: reducing, gatherSeconds: gather.reduce(0, +),
      agreementSeconds: agreement,
      exposedSeconds: exposed + agreement, movingSeconds: moving, tokensPerSecond: tokens,
      efficiency: tokens / (alone * cores))
  }

  /// When the last of several pieces of work ends that share cores evenly, each on one at a time.
  package static func sharedSeconds(_ work: [Double], cores: Double) -> Double {
    var time = 0.0
    var done = 0.0
    for (finished, seconds) in work.sorted().enumerated() {
      time += (seconds - done) * max(1, Double(work.count - finished) / cores)
      done = seconds
    }
    return time
  }

  // MARK: - The exchange

  /// Seconds until every owner has the sum of `bytes` bytes, with nothing else on the network.
  package func reduceSeconds(_ bytes: Double, on cluster: Cluster, nodes: Int) -> Double {
    transfer(bytes, copies: Double(nodes), on: cluster, isHalving: nodes == 1)
  }

  /// Seconds until every rank has the owners' bytes.
  package func gatherSeconds(_ bytes: Double, on cluster: Cluster, nodes: Int) -> Double {
    transfer(bytes, copies: 1, on: cluster, isHalving: nodes == 1)
  }

  /// Both directions of vector halving: a rank meets those at distances 1, 2, 4 ... with a half, a
  /// quarter ... of the bytes; the meetings within a host do not reach the network. Otherwise every
  /// rank sends to every other at once.
  private func transfer(
    _ exactBytes: Double, copies: Double, on cluster: Cluster, isHalving: Bool
  ) -> Double {
    let bytes = exactBytes * width
    let ranks = cluster.ranks
    let onHost = Double(min(cluster.ranksPerHost, ranks))
    guard ranks > 1, bytes > 0 else { return 0 }
    guard isHalving, halves(cluster) else {
      let part = bytes / Double(ranks)
      let outside = onHost * copies * part * (Double(ranks) - onHost)
      let inside = onHost * copies * part * (onHost - 1)
      return (cluster.hosts > 1 ? messageSeconds(part, on: cluster, bytes: outside) : 0)
        + inside * cluster.costs.memorySecondsPerByte
    }
    var seconds = 0.0
    var distance = 1
    var length = bytes / 2
    while distance < ranks {
      if distance < cluster.ranksPerHost {
        seconds +=
          cluster.costs.messageSeconds + onHost * length * cluster.costs.memorySecondsPerByte
      } else {
        seconds += messageSeconds(length, on: cluster, bytes: onHost * length)
      }
      distance *= 2
      length /= 2
    }
    return seconds
  }

  /// What a number takes on its way, beside fp32.
  private var width: Double { compressionGroups > 0 ? 0.5 : 1 }

  /// Whether ranks that bring one node each may halve vectors; rounded sums go straight to owners.
  private func halves(_ cluster: Cluster) -> Bool {
    cluster.ranks.nonzeroBitCount == 1 && compressionGroups == 0
  }

  /// Seconds that a rank's first thread spends on moving `bytes` bytes of each batch's gradients
  /// and as many of parameters between hosts, while others compute on what is left of the cores.
  package func movingSeconds(_ bytes: Double, on cluster: Cluster, nodes: Int) -> Double {
    let outside = cluster.hosts > 1 ? Double(cluster.ranks - cluster.ranksPerHost) : 0
    let isHalving = nodes == 1 && halves(cluster)
    // Halving meets other hosts when the ranks of one have divided the bytes among themselves.
    let share =
      isHalving
      ? Double(cluster.hosts - 1) / Double(cluster.hosts * cluster.ranksPerHost)
      : outside / Double(cluster.ranks)
    return Double(accumulation * nodes + 1) * bytes * width * share * cluster.movingSecondsPerByte
  }

  /// Seconds for messages of `length` bytes from every rank of a host at once, `bytes` in all: the
  /// way of the first byte, then what is slower, the cable or the cores that feed it.
  private func messageSeconds(_ length: Double, on cluster: Cluster, bytes: Double) -> Double {
    // A long message first asks and is answered.
    let trips = length > TransferCosts.eagerBytes ? 3.0 : 1.0
    return trips * (cluster.latency + cluster.costs.messageSeconds)
      + bytes * cluster.transferSecondsPerByte
  }

  /// The most nodes of the canonical tree that a rank brings, which are its groups where these are
  /// rounded; more ranks than groups are thought to have one each.
  private func nodesPerRank(_ ranks: Int, threads: Int, shards: Int) -> Int {
    if compressionGroups > 0 { return max(1, compressionGroups / ranks) }
    let plan = ShardPlan(sequences: shards, shards: shards, ranks: ranks, threads: threads)
    return (0..<ranks).map {
      CanonicalTree.maximalNodes(of: plan.shards(ofRank: $0), in: shards).count
    }.max() ?? 1
  }

  // MARK: - What is hidden

  /// The parts are done one after the other, from the top; each is exchanged when it is done and
  /// the one before is through. What is left after the last one's backward pass is exposed.
  package func exposedReduction(_ seconds: [Double], backward: Double) -> Double {
    var done = 0.0
    var through = 0.0
    for (part, exchange) in zip(backwardParts, seconds) {
      done += part.work * backward
      through = max(through, done) + exchange
    }
    return max(0, through - backward)
  }

  /// The parts arrive from the bottom, in the order in which the next forward pass needs them.
  package func exposedGathering(_ seconds: [Double], forward: Double) -> Double {
    var arrived = 0.0
    var time = 0.0
    for (part, exchange) in zip(forwardParts, seconds) {
      arrived += exchange
      time = max(time, arrived) + part.work * forward
    }
    return max(0, time - forward)
  }

  /// What part of a pass each layer and, last, the output layer are: in proportion to the weights
  /// that they multiply with.
  private static func layerWork(shape: ModelShape, table: ParameterTable) -> [Double] {
    var work = [Double](repeating: 0, count: shape.layerCount + 1)
    for segment in BackwardStage.segments(of: shape, table: table) {
      work[segment.reader] += Double(segment.elements.count)
    }
    if let embedding = table.parameters.first, embedding.name == "embedding.weight" {
      work[0] -= Double(embedding.range.count)
      if shape.tiesWeights { work[shape.layerCount] += Double(embedding.count) }
    }
    // Few rows reach the clusters of an adaptive softmax.
    for tail in table.parameters where tail.name.hasPrefix("output.tails.") {
      work[shape.layerCount] -= Double(tail.count)
    }
    let whole = work.reduce(0, +)
    return work.map { $0 / max(1, whole) }
  }

  /// A layer's backward pass is half BPTT and half gradients of weights, which stages share as they
  /// do the rows of the gates. The embedding is done with the BPTT of layer 0.
  private static func backwardParts(
    shape: ModelShape, table: ParameterTable, work: [Double]
  ) -> [Part] {
    let stages = BackwardStage.stages(of: shape)
    let directions = Double(shape.directionCount)
    let hasEmbedding = stages.contains(.embedding)
    // The work of a direction's later stages, and what is left for the first.
    let rows = shape.cell.stages.map { Double($0.inputGates?.count ?? 0) }
    let shares = rows.map { $0 / Double(2 * shape.cell.gateCount) }
    let later = shares.dropFirst().reduce(0, +)
    var parts = stages.map { stage in
      switch stage {
      case .output: Part(bytes: 0, work: work[shape.layerCount])
      case .embedding: Part(bytes: 0, work: work[0] / 2)
      case .weights(let direction, let stage):
        Part(
          bytes: 0,
          work: work[shape.layer(ofDirection: direction)] / directions
            * (stage > 0
              ? shares[stage]
              : 1 - later
                - (hasEmbedding && shape.layer(ofDirection: direction) == 0 ? 0.5 : 0)))
      }
    }
    for segment in BackwardStage.segments(of: shape, table: table) {
      parts[segment.stage].bytes += 4 * Double(segment.elements.count)
    }
    return parts
  }

  private static func forwardParts(
    shape: ModelShape, table: ParameterTable, work: [Double]
  ) -> [Part] {
    var parts = work.map { Part(bytes: 0, work: $0) }
    for segment in BackwardStage.segments(of: shape, table: table) {
      parts[segment.reader].bytes += 4 * Double(segment.elements.count)
    }
    return parts
  }

  private static func rounds(_ ranks: Int) -> Int {
    ranks > 1 ? Int.bitWidth - (ranks - 1).leadingZeroBitCount : 0
  }
}
