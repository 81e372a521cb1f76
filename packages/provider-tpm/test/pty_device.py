"""A character device in front of a TPM: prints the path of a pseudo-terminal, and carries each command that is written
to it to the UNIX socket named first. The second argument is how long, in seconds, each response is held back."""
import os, pty, socket, struct, sys, time, tty

master, slave = pty.openpty()
tty.setraw(master)
tty.setraw(slave)
print(os.ttyname(slave), flush=True)
tpm = socket.socket(socket.AF_UNIX)
tpm.connect(sys.argv[1])


def message(read):
    data = b""
    while len(data) < 10 or len(data) < struct.unpack(">I", data[2:6])[0]:
        data += read(4096)
    return data


while True:
    tpm.sendall(message(lambda n: os.read(master, n)))
    response = message(tpm.recv)
    time.sleep(float(sys.argv[2]))
    os.write(master, response)
