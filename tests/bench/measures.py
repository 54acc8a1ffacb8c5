"""What is measured, with the program load, and how figures are printed."""
import signal
import statistics
import subprocess
import time

from peers import wait_until


def load(tool, *arguments):
    done = subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, timeout=150)
    values = {name: float(value) for name, value in (pair.split("=") for pair in done.stdout.split())}
    if values["failed"] > 0:
        print(f"  {values['failed']:.0f} wrong answers: {done.stderr.splitlines()[:1]}")
    return values


def refuse(tool, peer, total, batch, how):
    return load(tool, peer.port, "refuse", 16, total, batch, how)["rate"]


def durable(tool, peer, connections, total):
    """Messages a second from the first MAIL until the last one is out at the sink."""
    begin = time.monotonic()
    result = load(tool, peer.port, "message", connections, total, 20, 4096)
    wait_until(peer.drained, f"{peer.name} drains", 300)
    return result["done"] / (time.monotonic() - begin)


def beside_flood(tool, peer, flooders):
    """p50, p99 and failures of 50 good messages a second while `flooders` connections try made-up recipients."""
    flood = subprocess.Popen([tool, str(peer.port), "refuse", str(flooders), "4000000", "20", "one"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) if flooders else None
    time.sleep(0.5 if flooders else 0)
    good = load(tool, peer.port, "paced", 50, 250, 1, 4096)
    if flood:
        flood.send_signal(signal.SIGKILL)
        flood.wait()
    return good


def idle(tool, peer):
    """Good mail a second, and memory, while 1,000 connections say nothing."""
    quiet = load(tool, peer.port, "message", 16, 800, 20, 4096)["rate"]
    holder = subprocess.Popen([tool, str(peer.port), "idle", "1000", "8"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(2)
    memory = peer.memory()
    beside = load(tool, peer.port, "message", 16, 800, 20, 4096)["rate"]
    holder.wait()
    return quiet, beside, memory


def table(title, figures, ratio_to):
    print(f"\n{title}")
    medians = {name: statistics.median(values) for name, values in figures.items() if values}
    for name, value in medians.items():
        ratios = "  ".join(f"{value / medians[other]:5.2f} x {other}" for other in ratio_to if other in medians and other != name)
        rounds = " ".join(f"{one:.0f}" for one in figures[name])
        print(f"  {name:28s} {value:10.0f}   {ratios:50s} rounds: {rounds}")


def in_turns(peers, rounds, measure):
    figures = {peer.name: [] for peer in peers}
    for _ in range(rounds):
        for peer in peers:
            figures[peer.name].append(measure(peer))
    return figures
