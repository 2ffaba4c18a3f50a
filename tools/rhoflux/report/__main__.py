from rhoflux.report.command import main

main()
