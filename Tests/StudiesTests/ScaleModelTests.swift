import Cells
import GRUCore
import Kernels
import Records
import Studies
import Testing

/// The formulas of docs/scaling.md, beside sums made by hand.
@Suite struct ScaleModelTests {
  private let shape = ModelShape(
    cell: .gruResetBefore, vocabularySize: 256, embeddingSize: 64, hiddenSize: 128, layerCount: 2)
  private let cost = StepCost(
    points: [.init(shards: 1, seconds: 0.1), .init(shards: 8, seconds: 0.8)])

  private func model(
    overlaps: Bool = false, accumulation: Int = 1, compressionGroups: Int = 0
  ) -> ScaleModel {
    ScaleModel(
      shape: shape, table: ParameterTable(shape: shape), cost: cost, shards: 8,
      tokensPerStep: 8000, overlaps: overlaps, accumulation: accumulation,
      compressionGroups: compressionGroups)
  }

  private func cluster(
    hosts: Int, ranksPerHost: Int = 1, threads: Int = 1, cores: Double = 64,
    bandwidth: Double = 1e9, latency: Double = 2e-4
  ) -> Cluster {
    Cluster(
      hosts: hosts, ranksPerHost: ranksPerHost, threads: threads, cores: cores,
      bandwidth: bandwidth, latency: latency)
  }

  @Test func stepCostInterpolatesMeasurementsLinearly() {
    #expect(cost.seconds(shards: 1) == 0.1)
    #expect(cost.seconds(shards: 8) == 0.8)
    #expect(abs(cost.seconds(shards: 3) - 0.3) < 1e-12)
    #expect(cost.seconds(shards: 0.5) <= 0.1)
    #expect(cost.seconds(shards: 0.5) > 0)
    #expect(StepCost(points: [.init(shards: 2, seconds: 1)]).seconds(shards: 4) == 2)
  }

  /// Two threads that share take 0.55 of one's time, 0.001 of it for handovers: 0.098 of the step
  /// is not divided.
  @Test func threadsThatShareAShardDivideIt() {
    let sharing = SharingCost(
      alone: 1, together: 0.55, kernels: 1000, handover: 1e-6, parts: 32)
    #expect(abs(sharing.serialPart - 0.098) < 1e-12)
    #expect(sharing.seconds(3, threads: 1) == 3)
    #expect(abs(sharing.seconds(1, threads: 2) - 0.55) < 1e-12)
    #expect(abs(sharing.seconds(2, threads: 4) - (2 * (0.098 + 0.902 / 4) + 0.0012)) < 1e-12)
    // There are 32 panels, whoever waits for them.
    let most = 0.098 + 0.902 / 32
    #expect(abs(sharing.seconds(1, threads: 64) - most - 0.001 * 7.2) < 1e-12)
    let model = ScaleModel(
      shape: shape, table: ParameterTable(shape: shape), cost: cost, shards: 8,
      tokensPerStep: 8000, overlaps: true, sharing: sharing)
    let sixteen = model.strong(cluster(hosts: 1, threads: 16))
    #expect(abs(sixteen.computeSeconds - sharing.seconds(0.1, threads: 2)) < 1e-12)
    // A batch that grows with ranks leaves each what it has.
    let base = cluster(hosts: 2, threads: 8)
    let grown = model.weak(cluster(hosts: 4, threads: 8), base: base)
    #expect(abs(grown.computeSeconds - model.strong(base).computeSeconds) < 1e-12)
  }

  @Test func halvingSendsEachByteOnceInEachDirection() {
    let four = cluster(hosts: 4)
    let bytes = 16e6
    // Rounds of a half and a quarter; long messages take three trips each.
    let perByte = 8 / (1e9 * 1448 / 1538)
    let expected = 2 * 3 * (2e-4 + 3e-5) + 12e6 * perByte
    #expect(abs(model().reduceSeconds(bytes, on: four, nodes: 1) - expected) < 1e-12)
    #expect(
      model().gatherSeconds(bytes, on: four, nodes: 1)
        == model().reduceSeconds(
          bytes, on: four, nodes: 1))
    // Nobody to exchange with.
    #expect(model().reduceSeconds(bytes, on: cluster(hosts: 1), nodes: 1) == 0)
    // Ranks of one host send together what a single rank would.
    let eight = cluster(hosts: 4, ranksPerHost: 2)
    let inside = 3e-5 + 2 * 8e6 * eight.costs.memorySecondsPerByte
    #expect(abs(model().reduceSeconds(bytes, on: eight, nodes: 1) - expected - inside) < 1e-9)
  }

  @Test func otherRankCountsSendPartialSumsToEachOwner() {
    let three = cluster(hosts: 3)
    let perByte = 8 / (1e9 * 1448 / 1538)
    let once = 3 * (2e-4 + 3e-5) + 4e6 * perByte
    #expect(abs(model().gatherSeconds(6e6, on: three, nodes: 2) - once) < 1e-12)
    let twice = 3 * (2e-4 + 3e-5) + 8e6 * perByte
    #expect(abs(model().reduceSeconds(6e6, on: three, nodes: 2) - twice) < 1e-12)
  }

  @Test func coresLimitAFastLink() {
    let slow = cluster(hosts: 2, cores: 0.5, bandwidth: 1e12, latency: 0)
    let bytes = 4e6
    let expected = 3 * 3e-5 + 2e6 * slow.costs.tcpSecondsPerByte / 0.5
    #expect(abs(model().reduceSeconds(bytes, on: slow, nodes: 1) - expected) < 1e-12)
  }

  @Test func hiddenExchangeStillUsesCores() {
    let hidden = model(overlaps: true).strong(cluster(hosts: 4))
    let open = model().strong(cluster(hosts: 4))
    #expect(open.movingSeconds == 0)
    let bytes = model().forwardParts.reduce(0) { $0 + $1.bytes }
    // Three quarters of gradients and of parameters.
    let all = 1.5 * bytes * cluster(hosts: 4).costs.tcpSecondsPerByte
    #expect(abs(model().movingSeconds(bytes, on: cluster(hosts: 4), nodes: 1) - all) < 1e-15)
    let whole = hidden.reduceSeconds + hidden.gatherSeconds
    let agreement = 2 * 2.3e-4 + 2 * 64 * cluster(hosts: 4).transferSecondsPerByte
    let part = 1 - (hidden.exposedSeconds - agreement) / whole
    #expect(abs(hidden.movingSeconds - part * all) < 1e-9)
    // Half a core takes twice as long; ranks of one host move half as much each.
    let shared = cluster(hosts: 4, cores: 0.5)
    #expect(abs(model().movingSeconds(bytes, on: shared, nodes: 1) - 2 * all) < 1e-15)
    let pairs = cluster(hosts: 4, ranksPerHost: 2)
    #expect(abs(model().movingSeconds(bytes, on: pairs, nodes: 1) - all / 2) < 1e-15)
    // Three hosts with two nodes of the tree: each goes to two owners, and the parameters once.
    let three = 3 * bytes * 2 / 3 * cluster(hosts: 3).costs.tcpSecondsPerByte
    #expect(abs(model().movingSeconds(bytes, on: cluster(hosts: 3), nodes: 2) - three) < 1e-15)
    #expect(model().movingSeconds(bytes, on: cluster(hosts: 1, ranksPerHost: 4), nodes: 1) == 0)
  }

  @Test func bf16HalvesMessagesAndSendsThemToTheirOwners() {
    let four = cluster(hosts: 4)
    let bytes = 16e6
    let perByte = 8 / (1e9 * 1448 / 1538)
    // Parts of 2 MB for each of three others, a message each, all at once.
    let once = 3 * (2e-4 + 3e-5) + 6e6 * perByte
    let rounded = model(compressionGroups: 4)
    #expect(abs(rounded.reduceSeconds(bytes, on: four, nodes: 1) - once) < 1e-12)
    #expect(abs(rounded.gatherSeconds(bytes, on: four, nodes: 1) - once) < 1e-12)
    let all = 1.5 * bytes / 2 * four.costs.tcpSecondsPerByte
    #expect(abs(rounded.movingSeconds(bytes, on: four, nodes: 1) - all) < 1e-15)
    // Two groups of a rank are two nodes of gradients; more ranks than groups have one each.
    let parts = rounded.strong(four)
    let pairs = model(compressionGroups: 8).strong(four)
    #expect(pairs.gatherSeconds == parts.gatherSeconds)
    #expect(pairs.reduceSeconds > 1.5 * parts.reduceSeconds)
    #expect(model(compressionGroups: 2).strong(four).reduceSeconds == parts.reduceSeconds)
  }

  @Test func everyAccumulatedBatchExchangesItsGradients() {
    let four = cluster(hosts: 4)
    let one = model().strong(four)
    let three = model(accumulation: 3).strong(four)
    #expect(abs(three.reduceSeconds - 3 * one.reduceSeconds) < 1e-12)
    #expect(three.gatherSeconds == one.gatherSeconds)
    let bytes = 3e6
    let ratio =
      model(accumulation: 3).movingSeconds(bytes, on: four, nodes: 1)
      / model().movingSeconds(bytes, on: four, nodes: 1)
    #expect(abs(ratio - 2) < 1e-12)
    // What is left of each of the three backward passes is exposed.
    let overlapping = model(overlaps: true, accumulation: 3).strong(four)
    #expect(overlapping.exposedSeconds < three.exposedSeconds)
  }

  @Test func tiedWeightsCountAsOutputLayer() {
    let apart = ModelShape(
      cell: .gruResetBefore, vocabularySize: 256, embeddingSize: 128, hiddenSize: 128,
      layerCount: 2)
    var tied = apart
    tied.tiesWeights = true
    let work = [tied, apart].map { shape in
      ScaleModel(
        shape: shape, table: ParameterTable(shape: shape), cost: cost, shards: 8,
        tokensPerStep: 8000, overlaps: true
      ).forwardParts.map(\.work)
    }
    for (part, other) in zip(work[0], work[1]) { #expect(abs(part - other) < 1e-3) }
  }

  @Test func finishedRanksLeaveTheirCoresToOthers() {
    #expect(ScaleModel.sharedSeconds([3, 3, 3], cores: 3) == 3)
    #expect(abs(ScaleModel.sharedSeconds([2, 2, 2, 2], cores: 2) - 4) < 1e-12)
    // All three share two cores until the first is done; the others then have one each.
    #expect(abs(ScaleModel.sharedSeconds([3, 2, 3], cores: 2) - 4) < 1e-12)
    #expect(ScaleModel.sharedSeconds([], cores: 2) == 0)
    var laboratory = cluster(hosts: 3, cores: 2.0 / 3)
    laboratory.laboratoryCores = 2
    #expect(abs(model().strong(laboratory).computeSeconds - 0.4) < 1e-12)
  }

  @Test func laboratorySwitchUsesCores() {
    var laboratory = cluster(hosts: 4, cores: 0.5, bandwidth: 1e8, latency: 0)
    let costs = laboratory.costs
    #expect(abs(laboratory.movingSecondsPerByte - 2 * costs.tcpSecondsPerByte) < 1e-18)
    laboratory.laboratoryCores = 2
    let frame = 1e8 / 8 * 0.00025
    let ofSwitch = costs.switchSecondsPerByte + costs.switchSecondsPerFrame / frame
    let ofHosts =
      2
      * (costs.tcpSecondsPerByte + costs.disturbanceSecondsPerByte
        + costs.disturbanceSecondsPerFrame / frame)
    // Four hosts' bytes on two cores.
    #expect(abs(laboratory.movingSecondsPerByte - ofHosts - 2 * ofSwitch) < 1e-18)
    laboratory.measuredSwitchSecondsPerByte = 1e-8
    #expect(abs(laboratory.movingSecondsPerByte - ofHosts - 2e-8) < 1e-18)
    // One thread carries what all hosts send.
    laboratory.bandwidth = 1e12
    #expect(abs(laboratory.transferSecondsPerByte - 4e-8) < 1e-16)
    // By turns on the cores of two hosts, and on a core of its own.
    laboratory.hosts = 2
    laboratory.cores = 1
    let ofHost = costs.tcpSecondsPerByte + laboratory.disturbancePerByte
    #expect(abs(laboratory.movingSecondsPerByte - ofHost - 1e-8) < 1e-18)
    laboratory.laboratoryCores = 3
    #expect(laboratory.movingSecondsPerByte == ofHost)
  }

  @Test func partsCoverTheModelInTheOrderOfBothPasses() {
    let bytes = Double(4 * ParameterTable(shape: shape).elementCount)
    for parts in [model().backwardParts, model().forwardParts] {
      #expect(parts.reduce(0) { $0 + $1.bytes } == bytes)
      #expect(abs(parts.reduce(0) { $0 + $1.work } - 1) < 1e-12)
      #expect(parts.allSatisfy { $0.work > 0 && $0.bytes > 0 })
    }
    // Output, gates and candidate of layer 1, embedding, gates and candidate of layer 0.
    #expect(model().backwardParts.count == 6)
    #expect(model().forwardParts.count == 3)
    // Not more than the alignment of tensors beyond weights and biases.
    let output = Double(4 * (256 * 128 + 256))
    #expect(abs(model().backwardParts[0].bytes - output) <= 4 * 4096)
  }

  @Test func exchangeIsHiddenUpToTheComputeTime() {
    let model = model(overlaps: true)
    let down = model.backwardParts.count
    let up = model.forwardParts.count
    // Nothing is left but the exchange of the part that has nothing beside it.
    let short = [Double](repeating: 1e-6, count: max(down, up))
    #expect(abs(model.exposedReduction(short, backward: 1) - 1e-6) < 1e-12)
    #expect(abs(model.exposedGathering(short, forward: 1) - 1e-6) < 1e-12)
    // With no work to hide behind, all of it is left.
    #expect(model.exposedReduction([1, 2, 3], backward: 0) == 6)
    #expect(model.exposedGathering([1, 2, 3], forward: 0) == 6)
    let four = cluster(hosts: 4)
    let hidden = model.strong(four)
    let open = self.model().strong(four)
    #expect(hidden.exposedSeconds < open.exposedSeconds)
    #expect(hidden.computeSeconds == open.computeSeconds)
  }

  @Test func planAddsUp() {
    let model = model()
    let alone = model.strong(cluster(hosts: 1))
    #expect(alone.stepSeconds == 0.8)
    #expect(alone.exposedSeconds == 0)
    #expect(abs(alone.efficiency - 1) < 1e-12)
    #expect(abs(alone.tokensPerSecond - 10_000) < 1e-9)
    let four = model.strong(cluster(hosts: 4))
    #expect(abs(four.computeSeconds - 0.2) < 1e-12)
    #expect(
      abs(four.stepSeconds - four.computeSeconds - four.movingSeconds - four.exposedSeconds)
        < 1e-12)
    #expect(four.efficiency < 1)
    // Three ranks: one has three of eight shards.
    #expect(abs(model.strong(cluster(hosts: 3)).computeSeconds - 0.3) < 1e-12)
    // Two threads on half a core take four times as long.
    let shared = model.strong(cluster(hosts: 1, threads: 2, cores: 0.5))
    #expect(abs(shared.computeSeconds - 1.6) < 1e-12)
    // A batch that grows with the ranks computes as long, whatever their number.
    let base = cluster(hosts: 4)
    for ranks in [1, 4, 64, 1024] {
      let grown = model.weak(base.resized(ranks: ranks), base: base)
      #expect(abs(grown.computeSeconds - 0.2) < 1e-12)
      #expect(grown.ranks == ranks)
    }
  }

  @Test func quantitiesHaveUnits() {
    #expect(Quantity.bitsPerSecond("1gbit") == 1e9)
    #expect(Quantity.bitsPerSecond("2.5mbit") == 2.5e6)
    #expect(Quantity.seconds("0.2ms") == 0.2 * 1e-3)
    #expect(Quantity.seconds("0") == 0)
    for wrong in ["", "1", "gbit", "-1gbit", "1 gbit", "1ghz", "0gbit", "1gbit!"] {
      #expect(Quantity.bitsPerSecond(wrong) == nil, "\(wrong)")
    }
  }
}
