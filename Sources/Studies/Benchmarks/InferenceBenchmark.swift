import Cells
package import Collectives
import Configuration
import Engine
import Foundation
import GRUCore
import Kernels
import Records
import Scoring

/// Times what needs no gradients: the forward pass and loss of an evaluation, and sampling one
/// token after the other.
package struct InferenceBenchmark {
  /// The sizes, and `steps` and `warmup`: windows of an evaluation, or hundreds of tokens.
  package var sizes: StepBenchmark

  package init(sizes: StepBenchmark) { self.sizes = sizes }

  /// Times windows of [window, batch] random tokens; prints one line. Runs in one process.
  package func evaluate(on communicator: any Communicator) throws {
    let replica = try self.replica(on: communicator)
    let source = BatchSource.random(
      vocabularySize: sizes.vocabulary, window: sizes.window, Philox(seed: 1, purpose: .benchmark))
    var seconds: [Double] = []
    for step in 1...sizes.warmup + sizes.steps {
      for worker in replica.workers { source.fill(worker, step: step) }
      let start = ContinuousClock.now
      replica.run { worker in
        unsafe worker.evaluate(
          parameters: replica.parameters.pointer, weights: replica.weights)
      }
      if step > sizes.warmup { seconds.append((ContinuousClock.now - start).seconds) }
    }
    let peaks = UnsafeMutableBufferPointer<Double>.allocate(capacity: sizes.threads)
    defer { unsafe peaks.deallocate() }
    unsafe peaks.initialize(repeating: 0)
    replica.team.run { unsafe peaks[$0] = replica.kernels.measurePeak(seconds: 0.5) }
    let median = seconds.sorted()[seconds.count / 2]
    let tokens = Double(sizes.batch * sizes.window)
    let weights = replica.shape.multipliedWeights(in: replica.table)
    let gflops = 2 * Double(weights) * tokens / median / 1e9
    let peak = unsafe peaks.reduce(0, +)
    try write(
      head("evaluate", replica).merging([
        "window": .integer(sizes.window), "batch": .integer(sizes.batch),
        "threads": .integer(sizes.threads), "windows": .integer(sizes.steps),
        "window_seconds": .number(median),
        "tokens_per_second": .number((tokens / median).rounded()),
        "gflops": .number((gflops * 1e4).rounded() / 1e4),
        "peak_gflops": .number((peak * 100).rounded() / 100),
        "fraction_of_peak": .number((gflops / peak * 1e6).rounded() / 1e6),
      ]))
  }

  /// Draws tokens with batch 1, and reads the same weights beside it, in alternating rounds of a
  /// hundred tokens; prints one line. The weights lie where the draws left them: in the nearest
  /// cache that holds them, or in memory.
  package func sample(on communicator: any Communicator) throws {
    let replica = try self.replica(on: communicator)
    let generator = Generator(
      shape: replica.shape, table: replica.table, kernels: replica.kernels)
    let chooser = TokenChooser(
      vocabularySize: sizes.vocabulary, kernels: replica.kernels, temperature: 1, topK: nil)
    let random = Philox(seed: 1, purpose: .benchmark)
    var token: Int32 = 0
    var draws: [Double] = []
    var reads: [Double] = []
    var total: Float = 0
    for round in 0..<sizes.warmup + sizes.steps {
      var start = ContinuousClock.now
      for index in 0..<100 {
        let logits = unsafe generator.step(
          token: token, parameters: replica.parameters.pointer, weights: replica.weights)
        let word = random.block(
          step: UInt32(round), stream: 0, layer: 0, element: UInt32(index))[0]
        token = unsafe chooser.choose(
          UnsafeBufferPointer(start: logits, count: sizes.vocabulary),
          unit: Double(Philox.unit(word)))
      }
      let drawn = (ContinuousClock.now - start).seconds / 100
      start = ContinuousClock.now
      for _ in 0..<100 { total += replica.weights.readForward() }
      if round >= sizes.warmup {
        draws.append(drawn)
        reads.append((ContinuousClock.now - start).seconds / 100)
      }
    }
    precondition(total.isFinite, "the weights are not finite")
    let draw = draws.sorted()[draws.count / 2]
    let read = reads.sorted()[reads.count / 2]
    let bytes = Double(replica.weights.forwardBytes)
    try write(
      head("sample", replica).merging([
        "tokens": .integer(100 * sizes.steps), "token_seconds": .number(draw),
        "tokens_per_second": .number((1 / draw).rounded()),
        "weight_bytes": .integer(replica.weights.forwardBytes), "stream_seconds": .number(read),
        "stream_gigabytes_per_second": .number((bytes / read / 1e7).rounded() / 100),
        "times_stream": .number((draw / read * 1e4).rounded() / 1e4),
      ]))
  }

  private func replica(on communicator: any Communicator) throws -> Replica {
    if communicator.worldSize != 1 {
      throw UsageError("this measures one process; start it without mpirun")
    }
    try sizes.validate()
    let config = try sizes.config()
    try config.validate(ranks: 1, place: "bench")
    let kernels = try Kernels.selected(sizes.instructionSet, sizes.precision)
    let replica = try Replica(
      shape: config.model.shape(vocabularySize: sizes.vocabulary), kernels: kernels,
      window: sizes.window,
      plan: ShardPlan(
        sequences: sizes.batch, shards: config.batch.shards, ranks: 1, threads: sizes.threads),
      rank: 0, use: .forward)
    replica.initialize(seed: 1)
    kernels.remarks.forEach { Console.complain("gru-dist: \($0)") }
    return replica
  }

  private func head(_ name: String, _ replica: Replica) -> OrderedJSON {
    [
      "bench": .string(name), "cell": .string(replica.shape.cell.rawValue),
      "vocabulary": .integer(sizes.vocabulary), "embedding": .integer(sizes.embedding),
      "hidden": .integer(sizes.hidden), "layers": .integer(sizes.layers),
      "isa": .string(replica.kernels.instructionSet.rawValue),
      "precision": .string(sizes.precision.rawValue),
    ]
  }

  private func write(_ record: OrderedJSON) throws(OutputError) {
    try OutputFile.standardOutput.write(Array((record.line + "\n").utf8))
    try OutputFile.standardOutput.requireTaken()
  }
}
