# Shells of a session. This folder is empty again after a restart of the session's pod; what should stay belongs into the workspace.
case $- in *i*) ;; *) return ;; esac
PS1='\[\e[36m\]\w\[\e[0m\] \$ '
HISTCONTROL=ignoreboth
HISTSIZE=10000
shopt -s checkwinsize histappend
alias ls='ls --color=auto' ll='ls -l' grep='grep --color=auto'
