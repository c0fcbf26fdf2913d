import Kernels

/// Sums the gradients of looked-up embedding rows, touching only the tokens of the window.
///
/// Positions are sorted by token (a counting sort, stable, so that each token's positions stay in
/// shard, time, sequence order). Each token's rows are summed per shard and folded by the canonical
/// tree; a shard without the token adds exactly 0, so it is left out.
final class EmbeddingGradient {
  private let vocabularySize: Int
  /// Tokens of a row, whose embeddings stand side by side. To this class a sequence of so many
  /// tokens a step is as many sequences.
  private let perRow: Int
  private let starts: UnsafeMutablePointer<Int32>
  private let positions: UnsafeMutablePointer<Int32>
  /// Whether each stack entry holds a sum (else it is 0).
  private let present: UnsafeMutablePointer<Bool>
  /// The distinct tokens of the window in ascending order, a slot each; only for tied weights.
  private(set) var tokenCount = 0
  private let slotTokens: UnsafeMutablePointer<Int32>
  /// The next position of each slot of a group, and the end of its token's.
  private let cursors: UnsafeMutablePointer<(next: Int32, end: Int32)>

  /// The sums over targets of a sampled softmax; nil for another one.
  convenience init?(targetsOf shape: ModelShape, rows: Int, shardCount: Int) {
    guard let sampling = shape.sampledSoftmax else { return nil }
    self.init(
      vocabularySize: shape.vocabularySize, rows: rows, shardCount: shardCount,
      slots: sampling.draws)
  }

  /// - Parameter slots: most tokens that have a slot; nil for those of a window.
  init(
    vocabularySize: Int, rows: Int, shardCount: Int, slots: Int? = nil, perRow: Int = 1
  ) {
    self.perRow = perRow
    self.vocabularySize = vocabularySize
    starts = .allocate(capacity: vocabularySize + 2)
    starts.initialize(repeating: 0, count: vocabularySize + 2)
    positions = .allocate(capacity: rows)
    positions.initialize(repeating: 0, count: rows)
    present = .allocate(capacity: shardCount + 1)
    present.initialize(repeating: false, count: shardCount + 1)
    let slots = slots ?? min(vocabularySize, rows)
    slotTokens = .allocate(capacity: slots)
    slotTokens.initialize(repeating: 0, count: slots)
    cursors = .allocate(capacity: SequenceWorker.tiedGroup)
    cursors.initialize(repeating: (0, 0), count: SequenceWorker.tiedGroup)
  }

  deinit {
    starts.deallocate()
    positions.deallocate()
    present.deallocate()
    slotTokens.deallocate()
    cursors.deallocate()
  }

  /// Overwrites the embedding gradient at `offset` of every partial sum. A negative input looks
  /// nothing up.
  ///
  /// Shapes: inputs [T, B, K], gradients [T, B, stride], of whose columns K times `size` count.
  func accumulate(
    inputs: UnsafePointer<Int32>, gradients: UnsafePointer<Float>, stride: Int, size: Int,
    window: Int, sequences: Int, sequencesPerShard: Int, folds: UnsafePointer<Int>,
    stack: UnsafeMutablePointer<Float>, stackStride: Int, kernels: Kernels,
    partialSums: UnsafePointer<UnsafeMutablePointer<Float>>, partialSumCount: Int, offset: Int
  ) {
    let sequences = sequences * perRow
    let sequencesPerShard = sequencesPerShard * perRow
    sortPositions(
      inputs, window: window, sequences: sequences, sequencesPerShard: sequencesPerShard)
    for node in 0..<partialSumCount {
      (partialSums[node] + offset).update(repeating: 0, count: vocabularySize * size)
    }
    let shards = sequences / sequencesPerShard
    for token in 0..<vocabularySize {
      var next = Int(starts[token])
      let end = Int(starts[token + 1])
      if next == end { continue }
      var depth = 0
      for shard in 0..<shards {
        let top = stack + depth * stackStride
        present[depth] = false
        while next < end, (Int(positions[next]) % sequences) / sequencesPerShard == shard {
          let position = Int(positions[next])
          let row = gradients + position / perRow * stride + position % perRow * size
          if present[depth] {
            kernels.add(top, row, into: top, count: size)
          } else {
            // The chain starts from +0: this turns −0 into +0, as adding to a cleared row does.
            for j in 0..<size { top[j] = 0 + row[j] }
            present[depth] = true
          }
          next += 1
        }
        depth += 1
        for _ in 0..<folds[shard] {
          depth -= 1
          fold(stack, depth: depth, stride: stackStride, size: size, kernels: kernels)
        }
      }
      for node in 0..<partialSumCount where present[node] {
        let row = partialSums[node] + offset + token * size
        row.update(from: stack + node * stackStride, count: size)
      }
    }
  }

  // MARK: - For tied weights

  var tokens: UnsafePointer<Int32> { UnsafePointer(slotTokens) }

  /// Sorts the window's positions and gives each of its tokens a slot.
  func assignSlots(
    inputs: UnsafePointer<Int32>, window: Int, sequences: Int, sequencesPerShard: Int
  ) {
    sortPositions(
      inputs, window: window, sequences: sequences, sequencesPerShard: sequencesPerShard)
    tokenCount = 0
    for token in 0..<vocabularySize where starts[token] < starts[token + 1] {
      slotTokens[tokenCount] = Int32(token)
      tokenCount += 1
    }
  }

  /// Gives some tokens a slot each, after the positions were sorted.
  func assignSlots(tokens: UnsafePointer<Int32>, count: Int) {
    slotTokens.update(from: tokens, count: count)
    tokenCount = count
  }

  /// The slots of the tokens of a range.
  func slots(ofTokens range: Range<Int>) -> Range<Int> {
    var first = 0
    while first < tokenCount, Int(slotTokens[first]) < range.lowerBound { first += 1 }
    var end = first
    while end < tokenCount, Int(slotTokens[end]) < range.upperBound { end += 1 }
    return first..<end
  }

  /// Starts over at the first positions of a group of slots.
  func rewind(firstSlot: Int, count: Int) {
    for index in 0..<count {
      let token = Int(slotTokens[firstSlot + index])
      cursors[index] = (starts[token], starts[token + 1])
    }
  }

  /// Adds the sum of a slot's look-ups in one shard to `destination` [size]; shards in order.
  ///
  /// - Parameter numbers: one more number of each position, whose sum is added to `sum`.
  func addLookups(
    ofSlot index: Int, shard: Int, sequences: Int, sequencesPerShard: Int,
    gradients: UnsafePointer<Float>, stride: Int, size: Int,
    scratch: UnsafeMutablePointer<Float>, to destination: UnsafeMutablePointer<Float>,
    kernels: Kernels, numbers: UnsafePointer<Float>? = nil,
    sum: UnsafeMutablePointer<Float>? = nil
  ) {
    var isFirst = true
    var total: Float = 0
    while cursors[index].next < cursors[index].end {
      let position = Int(positions[Int(cursors[index].next)])
      if position % sequences / sequencesPerShard != shard { break }
      let row = gradients + position * stride
      if isFirst {
        for j in 0..<size { scratch[j] = 0 + row[j] }
      } else {
        kernels.add(scratch, row, into: scratch, count: size)
      }
      isFirst = false
      if let numbers { total += numbers[position] }
      cursors[index].next += 1
    }
    if isFirst { return }
    kernels.add(destination, scratch, into: destination, count: size)
    sum?.pointee += total
  }

  /// Adds stack entry `depth` to the one below.
  private func fold(
    _ stack: UnsafeMutablePointer<Float>, depth: Int, stride: Int, size: Int, kernels: Kernels
  ) {
    let left = stack + (depth - 1) * stride
    let right = stack + depth * stride
    guard present[depth] else { return }
    if present[depth - 1] {
      kernels.add(left, right, into: left, count: size)
    } else {
      left.update(from: right, count: size)
      present[depth - 1] = true
    }
  }

  private func sortPositions(
    _ inputs: UnsafePointer<Int32>, window: Int, sequences: Int, sequencesPerShard: Int
  ) {
    starts.update(repeating: 0, count: vocabularySize + 2)
    // starts[token + 2] counts; after the running sum, starts[token + 1] is where a token's next
    // position goes, and in the end starts[token] is where its positions begin.
    for row in 0..<window * sequences where inputs[row] >= 0 {
      starts[Int(inputs[row]) + 2] += 1
    }
    for token in 0..<vocabularySize { starts[token + 2] += starts[token + 1] }
    var firstSequence = 0
    while firstSequence < sequences {
      for t in 0..<window {
        for sequence in firstSequence..<firstSequence + sequencesPerShard {
          let row = t * sequences + sequence
          if inputs[row] < 0 { continue }
          let slot = Int(inputs[row]) + 1
          positions[Int(starts[slot])] = Int32(row)
          starts[slot] += 1
        }
      }
      firstSequence += sequencesPerShard
    }
  }
}
