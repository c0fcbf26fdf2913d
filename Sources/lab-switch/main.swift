// The network of launch/lab: a switch in user space, for kernels without netem.
//
//   lab-switch PREFIX HOSTS BITS_PER_SECOND MICROSECONDS
//
// Makes the network interfaces PREFIX1, PREFIX2, ..., says "ready", and carries frames between them
// with that bandwidth (0 for no limit) and delay until its standard input ends.
#if canImport(Glibc)
  import Glibc

  func complain(_ text: String) {
    let line = Array("lab-switch: \(text)\n".utf8)
    _ = unsafe write(STDERR_FILENO, line, line.count)
  }

  func fail(_ reason: String, status: Int32) -> Never {
    complain(reason)
    exit(status)
  }

  let arguments = Array(CommandLine.arguments[1...])
  guard arguments.count == 4, arguments[0].utf8.count <= 12,
    let hosts = Int(arguments[1]), 2...64 ~= hosts,
    let bandwidth = Double(arguments[2]), bandwidth >= 0, bandwidth <= 1e12,
    let microseconds = Double(arguments[3]), microseconds >= 0, microseconds <= 1e7
  else {
    fail("expected PREFIX HOSTS (2 to 64) BITS_PER_SECOND MICROSECONDS", status: 2)
  }
  do {
    let devices = try (1...hosts).map { try TapDevice(name: "\(arguments[0])\($0)") }
    // Frames have to be carried on time while all cores compute.
    var priority = sched_param()
    priority.sched_priority = 1
    if unsafe sched_setscheduler(0, SCHED_FIFO, &priority) != 0 {
      complain("no real-time priority: delays may be longer than asked for")
    }
    let network = Switch(
      devices: devices, bitsPerSecond: bandwidth, delay: .nanoseconds(Int(microseconds * 1e3)))
    _ = unsafe write(STDOUT_FILENO, "ready\n", 6)
    network.run(until: STDIN_FILENO)
  } catch {
    fail("\(error)", status: 1)
  }
#else
  print("lab-switch: only Linux has the interfaces that it needs")
#endif
