# Reads orders, one per line, until the pipe is closed, which is when the process that gives them has ended,
# however it ended. Then it ends the process groups and removes the folders that are still on its list.
#
#   watch <group> <signal>   end this process group with this signal
#   forget <group>           it has ended by itself
#   remove <folder>          remove this folder when everything has ended
trap '' HUP INT TERM

groups=
while read -r order subject signal; do
    case $order in
        watch) groups="$groups $subject:$signal" ;;
        forget)
            rest=
            for entry in $groups; do
                [ "${entry%%:*}" = "$subject" ] || rest="$rest $entry"
            done
            groups=$rest
            ;;
        # A folder's name can hold spaces, which `read` has split.
        remove) set -- "$@" "$subject${signal:+ $signal}" ;;
    esac
done

for entry in $groups; do
    kill -s "${entry#*:}" -- "-${entry%%:*}" 2>/dev/null
done
tries=0
while [ "$tries" -lt 50 ]; do
    alive=
    for entry in $groups; do
        kill -s 0 -- "-${entry%%:*}" 2>/dev/null && alive="$alive $entry"
    done
    groups=$alive
    [ -n "$groups" ] || break
    tries=$((tries + 1))
    sleep 0.1 2>/dev/null || sleep 1
done
for entry in $groups; do
    kill -s KILL -- "-${entry%%:*}" 2>/dev/null
done
[ "$#" -eq 0 ] || rm -rf -- "$@"
